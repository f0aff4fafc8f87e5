import { readFileSync } from 'node:fs';

/** Says what is wrong with this Node, or null. Runs before anything else is loaded, on any Node: packages break on an old one. */
export function nodeProblem(): string | null {
  const { engines } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { engines: { node: string } };
  const wanted = partsOf(engines.node);
  const found = partsOf(process.versions.node);
  const at = wanted.findIndex((part, index) => part !== found[index]);
  if (at < 0 || (found[at] ?? 0) > (wanted[at] ?? 0)) return null;
  return `wsaas needs Node ${engines.node}, this is Node ${process.versions.node} (${process.execPath}); install a newer one from https://nodejs.org`;
}

/** Major and minor number, of a version or of a range such as `>=24.9`. */
function partsOf(version: string): number[] {
  return (version.match(/\d+/g) ?? []).slice(0, 2).map(Number);
}

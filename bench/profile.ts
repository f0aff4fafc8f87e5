import { readFileSync } from 'node:fs';

// node bench/profile.ts FILE.cpuprofile [rows]: the functions in which a profiled process itself spent its time.

type Frame = { readonly functionName: string; readonly url: string; readonly lineNumber: number };
type Profile = {
  readonly nodes: readonly { readonly id: number; readonly callFrame: Frame }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
};

const [path, rows = '30'] = process.argv.slice(2);
if (path === undefined) throw new Error('a .cpuprofile file was wanted as first argument (bench/bench.ts --profile FOLDER writes them)');
const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(path, 'utf8')) as Profile;
const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
const selfUs = new Map<string, number>();
samples.forEach((id, at) => {
  const name = names.get(id) ?? 'unknown';
  selfUs.set(name, (selfUs.get(name) ?? 0) + (timeDeltas[at] ?? 0));
});
selfUs.delete('(idle)');
const busyUs = [...selfUs.values()].reduce((sum, us) => sum + us, 0);
process.stdout.write(`| self % of ${(busyUs / 1e6).toFixed(2)} s busy | function |\n| --- | --- |\n`);
for (const [name, us] of [...selfUs].toSorted(([, a], [, b]) => b - a).slice(0, Number(rows)))
  process.stdout.write(`| ${((100 * us) / busyUs).toFixed(1)} | ${name} |\n`);

function nameOf({ functionName, url, lineNumber }: Frame): string {
  const file = url.replace(/^.*node_modules\//, '').replace(/^file:.*\/(?=(dist|bench)\/)/, '');
  return `${functionName || '(anonymous)'} ${file === '' ? '' : `${file}:${lineNumber + 1}`}`.trim();
}

import { stringify } from 'yaml';

/** A routes file (docs/routes.md), with remarks above it. */
export function routesText(routes: readonly object[], remarks: readonly string[]): string {
  const comment = remarks.map((line) => `# ${line}\n`).join('');
  return `${comment}${stringify({ routes }, { lineWidth: 0, aliasDuplicateObjects: false })}`;
}

import { distance } from 'fastest-levenshtein';

const LONG_NAME = 8;

/** Names a slip of the fingers away from ours: one letter, or two neighbours swapped, in a short name; two letters in a long one. */
export function nearMisses(given: readonly string[], names: readonly string[]): string[] {
  const warnings: string[] = [];
  for (const name of given) {
    if (names.includes(name)) continue;
    const meant = names.find((ours) => isNear(name.trim().toUpperCase().replaceAll('-', '_'), ours));
    if (meant !== undefined) warnings.push(`${name} is no option; did you mean ${meant}?`);
  }
  return warnings;
}

function isNear(name: string, ours: string): boolean {
  return distance(name, ours) <= (ours.length > LONG_NAME ? 2 : 1) || isSwapped(name, ours);
}

/** Equal but for one pair of neighbours that changed places. */
function isSwapped(name: string, ours: string): boolean {
  if (name.length !== ours.length) return false;
  const at = name.split('').findIndex((letter, index) => letter !== ours[index]);
  return at >= 0 && name === `${ours.slice(0, at)}${ours[at + 1] ?? ''}${ours[at] ?? ''}${ours.slice(at + 2)}`;
}

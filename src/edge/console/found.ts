import type { Answers, Description } from '../../core/commands.ts';

/**
 * One page of what processes found. They follow each other by owner token; where one has more left than it looked at, those
 * behind it wait for a later page.
 */
export function pageOf({ parts }: Answers, limit: number): { readonly rows: readonly Description[]; readonly next: string | null } {
  const rows: Description[] = [];
  for (const { owner, list, reached } of parts.toSorted((a, b) => (a.owner < b.owner ? -1 : 1))) {
    for (const one of list ?? []) {
      rows.push(one);
      if (rows.length === limit) return { rows, next: `${owner}.${one.serial}` };
    }
    if (reached !== null) return { rows, next: `${owner}.${reached}` };
  }
  return { rows, next: null };
}

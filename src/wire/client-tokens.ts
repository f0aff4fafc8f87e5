import type { TagChanges } from '../core/events.ts';
import { tagProblem } from '../core/tag-index.ts';
import type { Claims, TokenVerdict } from './tokens.ts';

/** A claim, and the tag that it becomes. */
export type ClaimTag = { readonly claim: string; readonly tag: string };

/** Whose tokens a route takes from its clients, and what becomes of their claims. */
export type TokenGate = {
  readonly verify: (token: string) => Promise<TokenVerdict>;
  readonly claimTags: readonly ClaimTag[];
};

/** The tags that these claims become; a text says why they cannot. What a claim does not say is no tag. */
export function tagsOfClaims(claims: Claims, claimTags: readonly ClaimTag[]): TagChanges | string {
  const tags = new Map<string, string>();
  for (const { claim, tag } of claimTags) {
    const value = textOf(claims[claim]);
    if (value !== '') tags.set(tag, value);
  }
  return tagProblem(tags) ?? [...tags];
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(textOf).filter(Boolean).join(',');
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

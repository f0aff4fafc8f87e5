import type { TokenGate } from './client-tokens.ts';
import type { Entry, EntryRequest } from './entry.ts';
import type { Refusal, TagChanges } from '../core/events.ts';
import type { Route } from '../core/route.ts';
import { originMatcher, readOriginPattern } from './origins.ts';

/** A route as the client side sees it. */
export type ClientRoute = {
  readonly route: Route;
  readonly enter: (request: EntryRequest) => Entry | Refusal;
  readonly tags: (parameters: Readonly<Record<string, string>>) => TagChanges;
  readonly isOriginAllowed: (origin: string | undefined) => boolean;
  /** Is there a list of origins? Else all are allowed. */
  readonly checksOrigins: boolean;
  /** Null: it asks its clients for no token. */
  readonly tokens: TokenGate | null;
  /** Headers of the upgrade request that the backend sees with `open`. */
  readonly forwardHeaders: ReadonlySet<string>;
  readonly refuseWith: 'http' | 'close';
  /** Is a plain request for its path told to upgrade, though it could be a command for an id? */
  readonly isUpgradeOnly: boolean;
};

export type FoundRoute = { readonly route: ClientRoute; readonly parameters: Readonly<Record<string, string>> };

/**
 * Decides by the `Origin` header (RFC 6454) against the allow list ORIGINS, which lets in everybody while it is empty. A
 * request without `Origin` is no browser's and passes; `null` does not.
 */
export function originCheck(allowed: readonly string[]): (origin: string | undefined) => boolean {
  if (allowed.length === 0) return () => true;
  const isListed = originMatcher(allowed.map(readOriginPattern).filter((pattern) => typeof pattern === 'object'));
  return (origin) => origin === undefined || isListed(origin);
}

import type { Entry, EntryRequest } from './entry.ts';
import type { Refusal, TagChanges } from '../core/events.ts';
import type { Route } from '../core/route.ts';

/** A route as the client side sees it. */
export type ClientRoute = {
  readonly route: Route;
  readonly enter: (request: EntryRequest) => Entry | Refusal;
  readonly tags: (parameters: Readonly<Record<string, string>>) => TagChanges;
  readonly isOriginAllowed: (origin: string | undefined) => boolean;
  /** Headers of the upgrade request that the backend sees with `open`. */
  readonly forwardHeaders: ReadonlySet<string>;
  readonly refuseWith: 'http' | 'close';
};

export type FoundRoute = { readonly route: ClientRoute; readonly parameters: Readonly<Record<string, string>> };

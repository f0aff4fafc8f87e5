import type { Refusal } from '../core/events.ts';

/** What a route looks at before the backend hears of a client. */
export type EntryRequest = {
  /** Parameters of the route's path pattern, decoded, in the pattern's order. */
  readonly parameters: Readonly<Record<string, string>>;
  /** The subprotocols that the client offers, in its order of preference. */
  readonly subprotocols: readonly string[];
  readonly authorization: string | null;
  readonly remoteAddress: string;
  readonly userAgent: string | null;
  /** Epoch ms. */
  readonly date: number;
};

/** What is settled before the backend is asked. */
export type Entry = {
  /** Null: the gateway gives the id. */
  readonly clientId: string | null;
  /** Null: the backend chooses. */
  readonly subprotocol: string | null;
  /** What every event is to tell as `data` until the verdict says otherwise. Default: nothing. */
  readonly data?: string;
};

/**
 * With accepted subprotocols the gateway chooses, by the route's order; a client that offers none at all is let in
 * without, one that offers none of these is refused. Without, the backend decides.
 */
export function chooseSubprotocol(accepted: readonly string[], offered: readonly string[]): string | null | Refusal {
  if (accepted.length === 0 || offered.length === 0) return null;
  const chosen = accepted.find((name) => offered.includes(name));
  if (chosen !== undefined) return chosen;
  return {
    type: 'refused',
    status: 400,
    code: 'BAD_REQUEST',
    message: `none of the offered subprotocols is served here: ${accepted.join(', ')} are`,
  };
}

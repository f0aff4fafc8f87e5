import { createHash, timingSafeEqual } from 'node:crypto';

/** What a token is good for: `admin` for everything, `push` for commands to clients, `read` for what only shows. */
export type Scope = 'push' | 'read' | 'admin';

/** The tokens of each scope: CONTROL_TOKEN, CONTROL_PUSH_TOKEN and CONTROL_READ_TOKEN. */
export type TokenLists = Readonly<Record<Scope, readonly string[]>>;

const SCHEME = 'bearer ';

/** The bearer tokens of the control API. They may be replaced while it serves. */
export class ControlTokens {
  readonly #lists = new Map<Scope, readonly Buffer[]>();

  constructor(lists: TokenLists) {
    for (const scope of ['admin', 'push', 'read'] as const) this.replace(scope, lists[scope]);
  }

  /** From now on these are the tokens of this scope, and those before are none. */
  replace(scope: Scope, tokens: readonly string[]): void {
    this.#lists.set(scope, tokens.map(digest));
  }

  /** Is there one, of whatever scope? Then one is demanded. */
  get areAsked(): boolean {
    return [...this.#lists.values()].some(({ length }) => length > 0);
  }

  /** What the token of this `Authorization` is good for; nothing where it is none of ours. The time that it takes tells nothing of our tokens. */
  scopesOf(authorization: string): ReadonlySet<Scope> {
    const given = authorization.slice(0, SCHEME.length).toLowerCase() === SCHEME ? digest(authorization.slice(SCHEME.length).trim()) : null;
    const scopes = new Set<Scope>();
    for (const [scope, digests] of this.#lists) {
      let isKnown = false;
      for (const known of digests) isKnown = (given !== null && timingSafeEqual(known, given)) || isKnown; // all of them
      if (isKnown) scopes.add(scope);
    }
    return scopes;
  }
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

import type { IncomingMessage } from 'node:http';
import type { Refusal, TagChanges } from '../../core/events.ts';
import type { Gateway } from '../../core/gateway.ts';
import { busy } from '../../core/refusals.ts';
import { Seldom } from '../../core/seldom.ts';
import { tagsOfClaims, type TokenGate } from '../../wire/client-tokens.ts';
import type { ClientRoute } from '../../wire/client-route.ts';
import { refused } from '../../wire/verdicts.ts';
import { isSameSite, type ClientToken } from './client-token.ts';

/** Clients whose tokens are looked at, at once: nobody else counts them yet. */
const MOST_AT_ONCE = 4_096;

/** What a client that may come in has by its token. */
export type Granted = {
  readonly tags: TagChanges;
  /** Epoch ms. */
  readonly expiresAt: number;
};

/** Checks clients' tokens before the backend is asked (docs/security.md#tokens-of-clients). No token gets into a log or an answer. */
export class TokenCheck {
  readonly #gateway: Gateway;
  readonly #complaints: Seldom;
  #running = 0;

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
    this.#complaints = new Seldom(gateway.clock);
  }

  /** `brought`: the token of the upgrade request, if it has one. */
  async admit(
    { checksOrigins }: ClientRoute,
    tokens: TokenGate,
    { request, brought }: { readonly request: IncomingMessage; readonly brought: ClientToken | null },
  ): Promise<Granted | Refusal> {
    if (brought === null) return this.#refuse(NONE);
    if (brought.isFromCookie && !checksOrigins && !isSameSite(request)) return refused(403, 'FORBIDDEN', FOREIGN_COOKIE);
    if (this.#running >= MOST_AT_ONCE) return busy('too many clients wait for their tokens to be checked');
    this.#running += 1;
    try {
      const verdict = await tokens.verify(brought.token);
      switch (verdict.type) {
        case 'valid': {
          const tags = tagsOfClaims(verdict.claims, tokens.claimTags);
          if (typeof tags === 'string') return refused(403, 'FORBIDDEN', `the claims of this token cannot become tags: ${tags}`);
          return { tags, expiresAt: verdict.expiresAt };
        }
        case 'invalid':
          return this.#refuse(`this token is not taken here: ${verdict.fault}`, verdict.fault);
        case 'unavailable':
          this.#complain(verdict.because);
          return busy('the keys that tokens are checked with cannot be had now');
      }
    } finally {
      this.#running -= 1;
    }
  }

  /** RFC 6750 §3. */
  #refuse(message: string, fault?: string): Refusal {
    this.#gateway.observer.counted('tokensRefused', 1);
    const challenge = fault === undefined ? 'Bearer' : `Bearer error="invalid_token", error_description="${fault}"`;
    return { ...refused(401, 'UNAUTHORIZED', message), headers: { 'WWW-Authenticate': challenge } };
  }

  #complain(because: string): void {
    const missed = this.#complaints.missed();
    if (missed !== null)
      this.#gateway.log.error({ because, ...(missed > 0 && { missed }) }, 'no token can be checked: the key set cannot be had');
  }
}

const NONE =
  'a token is wanted: in Authorization: Bearer, as a subprotocol bearer.<token> beside a real one, or as access_token in the query or a cookie';
const FOREIGN_COOKIE =
  'this token came in a cookie, which browsers add to what pages of any site ask for: this page is of another host, and ORIGINS does not name those that may';

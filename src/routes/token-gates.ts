import { readers } from '../config/forms.ts';
import type { ClaimTag, TokenGate } from '../wire/client-tokens.ts';
import { TokenVerifier, type TokenRules } from '../wire/tokens.ts';
import type { RouteSpec } from './spec.ts';

/** Routes with equal rules share one verifier, and with it the keys that it knows, also when the file is read again. */
export class TokenVerifiers {
  readonly #byRules = new Map<string, TokenVerifier>();

  of(rules: TokenRules): TokenVerifier {
    const key = JSON.stringify(rules);
    const verifier = this.#byRules.get(key) ?? new TokenVerifier(rules);
    this.#byRules.set(key, verifier);
    return verifier;
  }
}

/** JWT_JWKS_URI and the options beside it: what holds for a route that does not say otherwise. */
export type TokenDefaults = TokenRules & { readonly claimTags: readonly ClaimTag[]; readonly verifiers: TokenVerifiers };

/** No route asks for one, unless it says so. */
export const NO_TOKENS: TokenDefaults = { jwksUri: null, issuers: [], audiences: [], claimTags: [], verifiers: new TokenVerifiers() };

/** Null: this route asks for no token. */
export function tokenGate({ jwtJwksUri, jwtIssuer, jwtAudience, jwtClaimTags }: RouteSpec, standard: TokenDefaults): TokenGate | null {
  const jwksUri = jwtJwksUri ?? standard.jwksUri ?? '';
  if (jwksUri === '') return null;
  const issuers = jwtIssuer ?? standard.issuers;
  const audiences = jwtAudience ?? standard.audiences;
  const verifier = standard.verifiers.of({ jwksUri, issuers, audiences });
  return {
    verify: (token) => verifier.verify(token),
    claimTags: jwtClaimTags === undefined ? standard.claimTags : claimTagsOf(jwtClaimTags),
  };
}

function claimTagsOf(entries: readonly string[]): readonly ClaimTag[] {
  const reading = readers['claim-tags'](entries.join(','));
  if (typeof reading === 'string') throw new TypeError(reading); // routes/file.ts has checked it
  return reading.value as readonly ClaimTag[];
}

import type * as Jose from 'jose';
import { KEY_SET_LIMITS, KeySetFetch, type KeySetLimits } from './key-set.ts';

/** Whose tokens are taken, and for whom they must have been made. */
export type TokenRules = {
  /** Where the issuer publishes its keys (RFC 7517); null: where the first issuer's own description says (OpenID Connect Discovery). */
  readonly jwksUri: string | null;
  /** `iss` must be one of these; empty: any issuer whose key signed it. */
  readonly issuers: readonly string[];
  /** `aud` must hold one of these, or, in a token without `aud`, `client_id` must be one (Amazon Cognito's access tokens); empty: any. */
  readonly audiences: readonly string[];
};

export type Claims = Readonly<Record<string, unknown>>;

/** What is wrong with a token, one of few words. */
export type TokenFault =
  | 'malformed'
  | 'algorithm'
  | 'unknown key'
  | 'signature'
  | 'expired'
  | 'no expiry'
  | 'not valid yet'
  | 'issuer'
  | 'audience'
  | 'claim';

export type TokenVerdict =
  /** `expiresAt`: epoch ms. */
  | { readonly type: 'valid'; readonly claims: Claims; readonly expiresAt: number }
  | { readonly type: 'invalid'; readonly fault: TokenFault }
  /** The keys cannot be had now: nobody can say whether it is valid. */
  | { readonly type: 'unavailable'; readonly because: string };

/** Those with a private key that the issuer keeps: a public key must never serve as a secret (RFC 8725 §3.1). */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'];
const MAX_TOKEN_LENGTH = 16_384;
/** The issuer's clock may go before ours by so much: a token that was made this moment is not refused. */
const EARLY_SECONDS = 5;
/** A token that names no key is tried with so many. */
const MAX_TRIED_KEYS = 8;

type Loaded = { readonly jose: typeof Jose; readonly keys: Jose.JWTVerifyGetKey };

/**
 * Checks JSON Web Tokens (RFC 7519) against the issuer's published keys, which it asks for when they are first needed, when a
 * token names one that it does not know, and when they are old.
 */
export class TokenVerifier {
  readonly #rules: TokenRules;
  readonly #limits: KeySetLimits;
  readonly #source: KeySetFetch;
  readonly #now: () => number;
  #loaded: Promise<Loaded> | null = null;

  /** Throws where the rules name no URL. `now`: epoch ms. */
  constructor(rules: TokenRules, options: { readonly limits?: Partial<KeySetLimits>; readonly now?: () => number } = {}) {
    this.#rules = rules;
    this.#limits = { ...KEY_SET_LIMITS, ...options.limits };
    this.#source = new KeySetFetch(rules.jwksUri ?? { issuer: rules.issuers[0] ?? '' }, this.#limits);
    this.#now = options.now ?? Date.now;
  }

  /** Never rejects. */
  async verify(token: string): Promise<TokenVerdict> {
    if (token.length > MAX_TOKEN_LENGTH) return { type: 'invalid', fault: 'malformed' };
    const loaded = await (this.#loaded ??= this.#load());
    try {
      return this.#judged(await this.#claims(loaded, token));
    } catch (error) {
      const fault = faultOf(loaded.jose, error);
      return fault === null ? { type: 'unavailable', because: reasonOf(error) } : { type: 'invalid', fault };
    }
  }

  async #load(): Promise<Loaded> {
    const jose = await import('jose'); // only a route that asks for tokens needs it
    const { timeoutMs, unknownKeyPauseMs, maxAgeMs } = this.#limits;
    const keys = jose.createRemoteJWKSet(this.#source.url, {
      timeoutDuration: timeoutMs,
      cooldownDuration: unknownKeyPauseMs,
      cacheMaxAge: maxAgeMs,
      [jose.customFetch]: this.#source.fetch,
    });
    return { jose, keys };
  }

  async #claims({ jose, keys }: Loaded, token: string): Promise<Jose.JWTPayload> {
    const options = {
      algorithms: ALGORITHMS,
      requiredClaims: ['exp'],
      clockTolerance: EARLY_SECONDS,
      currentDate: new Date(this.#now()),
      ...(this.#rules.issuers.length > 0 && { issuer: [...this.#rules.issuers] }),
    };
    try {
      return (await jose.jwtVerify(token, keys, options)).payload;
    } catch (error) {
      if (!(error instanceof jose.errors.JWKSMultipleMatchingKeys)) throw error;
      let tried = 0;
      for await (const key of error) {
        tried += 1;
        if (tried > MAX_TRIED_KEYS) break;
        const payload = await signedBy(jose, key, { token, options });
        if (payload !== null) return payload;
      }
      throw new jose.errors.JWSSignatureVerificationFailed('none of the keys has signed it', { cause: error });
    }
  }

  /** What the library does not look at, or looks at less strictly. */
  #judged(claims: Jose.JWTPayload): TokenVerdict {
    const expiresAt = (claims.exp ?? 0) * 1000;
    if (expiresAt <= this.#now()) return { type: 'invalid', fault: 'expired' };
    const { audiences } = this.#rules;
    const named = claims.aud === undefined ? [claims['client_id']] : [claims.aud].flat();
    if (audiences.length > 0 && !named.some((name) => typeof name === 'string' && audiences.includes(name)))
      return { type: 'invalid', fault: 'audience' };
    return { type: 'valid', claims, expiresAt };
  }
}

/** Null: this key has not signed it. */
async function signedBy(
  jose: typeof Jose,
  key: Jose.CryptoKey,
  { token, options }: { readonly token: string; readonly options: Jose.JWTVerifyOptions },
): Promise<Jose.JWTPayload | null> {
  try {
    return (await jose.jwtVerify(token, key, options)).payload;
  } catch (error) {
    if (error instanceof jose.errors.JWSSignatureVerificationFailed) return null;
    throw error;
  }
}

/** Null: the token is not to blame. */
function faultOf({ errors }: typeof Jose, error: unknown): TokenFault | null {
  if (error instanceof errors.JWTExpired) return 'expired';
  if (error instanceof errors.JWTClaimValidationFailed) return claimFault(error);
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'signature';
  if (error instanceof errors.JWKSNoMatchingKey) return 'unknown key';
  if (error instanceof errors.JOSEAlgNotAllowed || error instanceof errors.JOSENotSupported) return 'algorithm';
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid) return 'malformed';
  return null;
}

function claimFault({ claim, reason }: Jose.errors.JWTClaimValidationFailed): TokenFault {
  if (claim === 'exp' && reason === 'missing') return 'no expiry';
  if (claim === 'nbf' && reason === 'check_failed') return 'not valid yet';
  if (claim === 'iss') return 'issuer';
  return 'claim';
}

/** `fetch` says only that it failed; its cause says why. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

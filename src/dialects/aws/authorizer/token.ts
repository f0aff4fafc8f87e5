import type { OpenEvent, Refusal } from '../../../core/events.ts';
import type { Log } from '../../../core/ports.ts';
import { type Claims, TokenVerifier } from '../../../wire/tokens.ts';
import type { AwsApi } from '../api.ts';
import type { Allowed, Authorizer } from '../authorization.ts';
import type { AuthorizerSpec } from '../schemas.ts';
import { MAX_RESULT_BYTES } from './answer.ts';
import { type IdentitySource, readIdentitySource } from './identity.ts';
import { unauthorized, undecided } from './refusing.ts';

const DEFAULT_SOURCES = ['route.request.header.Authorization'];

/** A JSON Web Token of the client decides; its claims are told as AWS's HTTP APIs tell them. */
export class TokenAuthorizer implements Authorizer {
  readonly #verifier: TokenVerifier;
  readonly #sources: readonly IdentitySource[];
  readonly #closesOnExpiry: boolean;
  readonly #log: Log;

  constructor(api: AwsApi, jwt: NonNullable<AuthorizerSpec['jwt']>, log: Log) {
    const { jwksUri, issuer, audience, closeOnExpiry } = jwt;
    this.#verifier = new TokenVerifier({
      jwksUri: jwksUri ?? null,
      issuers: issuer === undefined ? [] : [issuer],
      audiences: audience === undefined ? [] : [audience].flat(),
    });
    this.#sources = (api.authorizer?.identitySource ?? DEFAULT_SOURCES).map((written) => readIdentitySource(written, api));
    this.#closesOnExpiry = closeOnExpiry ?? true;
    this.#log = log;
  }

  async authorize(event: OpenEvent): Promise<Allowed | Refusal> {
    const token = this.#tokenOf(event);
    if (token === '') return unauthorized(event);
    const verdict = await this.#verifier.verify(token);
    if (verdict.type === 'unavailable') return undecided(event, 500, { reason: 'unreachable', because: verdict.because });
    if (verdict.type === 'invalid') {
      this.#log.debug({ id: event.party.id, fault: verdict.fault }, 'a token was refused');
      return unauthorized(event);
    }
    const { claims, expiresAt } = verdict;
    const context = contextOf(claims);
    if (JSON.stringify(context).length > MAX_RESULT_BYTES)
      return undecided(event, 500, { reason: 'bad-answer', because: `the claims of the token have more than ${MAX_RESULT_BYTES} bytes` });
    const principalId = typeof claims['sub'] === 'string' ? claims['sub'] : null;
    return { type: 'allowed', principalId, context, latencyMs: 0, expiresAt: this.#closesOnExpiry ? expiresAt : null };
  }

  /** Of the first source that has one, with or without the word Bearer. */
  #tokenOf(event: OpenEvent): string {
    for (const source of this.#sources) {
      const token = source(event)
        .replace(/^Bearer +/i, '')
        .trim();
      if (token !== '') return token;
    }
    return '';
  }
}

/** `requestContext.authorizer` of HTTP APIs: every claim is a text, and lists are written in brackets. */
function contextOf(claims: Claims): Readonly<Record<string, unknown>> {
  const told = Object.fromEntries(Object.entries(claims).map(([name, value]) => [name, textOf(value)]));
  const scope = claims['scope'] ?? claims['scp'];
  return { jwt: { claims: told, scopes: typeof scope === 'string' ? scope.split(' ').filter((one) => one !== '') : null } };
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return Array.isArray(value) ? `[${value.map(textOf).join(' ')}]` : (JSON.stringify(value) ?? '');
}

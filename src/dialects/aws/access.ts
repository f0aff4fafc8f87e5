import { createHash, timingSafeEqual } from 'node:crypto';
import type { GatewayError } from '../../wire/errors.ts';
import type { AwsApi } from './api.ts';
import type { SignedRequest } from './canonical-request.ts';
import { SignatureVerifier, type SigningKey } from './sigv4.ts';

/** Why a call to @connections is not done, by the name that AWS gives to it. */
export type AccessProblem = { readonly error: string; readonly message: string };

/** A call to @connections, as far as its caller is judged by it. */
export type AccessRequest = SignedRequest & {
  readonly nowMs: number;
  /** What keeps a caller without credentials of this dialect: the control API's token, or a Host that could be a stranger's; or it is not opened. */
  readonly controlProblem: () => GatewayError | null;
};

type Key = SigningKey & { readonly operations?: readonly string[] | undefined };

/** Who may command the connections of one API: what its route says by `sigv4`. */
export class ApiAccess {
  readonly stage: string;
  readonly isStrict: boolean;
  /** Do the rules of the control API hold, and nothing else? */
  readonly isOff: boolean;
  readonly #api: AwsApi;
  readonly #verifier: SignatureVerifier<Key> | null;
  readonly #tokens: readonly Buffer[];

  constructor(api: AwsApi) {
    this.stage = api.stage;
    this.isStrict = api.isStrict;
    this.isOff = api.sigv4.mode === 'off';
    this.#api = api;
    this.#verifier = api.sigv4.mode === 'verify' ? new SignatureVerifier<Key>(api.sigv4.keys ?? []) : null;
    this.#tokens = (api.sigv4.tokens ?? []).map(digest);
  }

  /** Why this caller may not; null: it may. */
  problem(request: AccessRequest): AccessProblem | null {
    if (this.#verifier !== null) return this.#signatureProblem(this.#verifier, request);
    if (!this.isOff) return this.#tokenProblem(request);
    const problem = request.controlProblem();
    if (problem === null) return null;
    const error = problem.code === 'UNAUTHORIZED' ? 'MissingAuthenticationTokenException' : 'ForbiddenException';
    return { error, message: problem.message };
  }

  #signatureProblem(verifier: SignatureVerifier<Key>, request: AccessRequest): AccessProblem | null {
    const verdict = verifier.verify(request, request.nowMs, [this.#api.domainName()]);
    if ('error' in verdict) return verdict;
    const { accessKeyId, operations } = verdict.key;
    if (operations === undefined || operations.includes(request.method)) return null;
    return { error: 'AccessDeniedException', message: `${accessKeyId} is not authorized to perform ${request.method} on @connections` };
  }

  #tokenProblem({ headers: { authorization } }: AccessRequest): AccessProblem | null {
    const [, token = ''] = typeof authorization === 'string' ? (/^bearer +(\S+)$/i.exec(authorization) ?? []) : [];
    if (token === '')
      return { error: 'MissingAuthenticationTokenException', message: 'Missing Authentication Token: Authorization: Bearer is wanted' };
    const given = digest(token);
    let isKnown = false;
    for (const known of this.#tokens) isKnown = timingSafeEqual(known, given) || isKnown; // all of them, so that time tells nothing
    return isKnown ? null : { error: 'UnrecognizedClientException', message: 'The security token included in the request is invalid.' };
  }
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** Whose connections a caller may command: the names of their routes, or null for all; else why none. */
export type Granted = { readonly only: readonly string[] | null } | AccessProblem;

/**
 * `stage`: what the path names; undefined: nothing. Where one API asks for credentials, a caller commands the
 * connections of those that let it, and no others.
 */
export function grantedTo(request: AccessRequest, stage: string | undefined, apis: ReadonlyMap<string, ApiAccess>): Granted {
  const meant = [...apis].filter(([name, api]) => stage === undefined || api.stage === stage || name === `/${stage}`);
  let first: AccessProblem | null = null;
  const granted: string[] = [];
  for (const [name, api] of meant) {
    const problem = api.problem(request);
    if (problem === null) granted.push(name);
    else first ??= problem;
  }
  if (granted.length === 0) return first ?? { error: 'ForbiddenException', message: 'Forbidden' };
  return { only: [...apis.values()].every(({ isOff }) => isOff) ? null : granted };
}

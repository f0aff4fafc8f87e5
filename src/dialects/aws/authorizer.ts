import type { Authorizer, AuthorizerOptions } from './authorization.ts';

/** Rejects where it cannot be made: its keys cannot be fetched, say. */
export function createAuthorizer(_options: AuthorizerOptions): Promise<Authorizer> {
  return Promise.reject(new Error('this build has no authorizers: leave out authorizer'));
}

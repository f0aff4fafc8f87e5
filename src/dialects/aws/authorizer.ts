import type { Authorizer, AuthorizerOptions } from './authorization.ts';
import { FunctionAuthorizer } from './authorizer/function.ts';
import { TokenAuthorizer } from './authorizer/token.ts';

/** The authorizer that a route names: a function, or tokens. Their keys are asked for by the first client, so that no start waits for them. */
export async function createAuthorizer({ api, target, clock, log }: AuthorizerOptions): Promise<Authorizer> {
  if (target !== null) return new FunctionAuthorizer(api, target, clock);
  const jwt = api.authorizer?.jwt;
  if (jwt === undefined) throw new Error('an authorizer must have a target or a jwt'); // checks.ts has said so
  return new TokenAuthorizer(api, jwt, log);
}

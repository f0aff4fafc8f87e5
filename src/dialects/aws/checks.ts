import type { RouteProblem } from '../definition.ts';
import { identityProblem } from './authorizer/identity.ts';
import {
  INTEGRATION_TIMEOUT_MS,
  RESERVED_ROUTES,
  type AuthorizerSpec,
  type AwsRoute,
  type AwsRouteSpec,
  type Sigv4Spec,
} from './schemas.ts';
import { readSelection } from './selection.ts';
import { problemsAt } from './targets.ts';

const MOST_STAGE_VARIABLES = 100;

/** What is wrong with a route that its schema cannot judge. What the schema found wrong is left out of it. */
export function awsProblems(spec: AwsRouteSpec & { readonly backend?: string }): RouteProblem[] {
  const { routeSelectionExpression, stageVariables = {}, target, authorizer, sigv4, routes, backend } = spec;
  const problems: RouteProblem[] = [];
  const selection = routeSelectionExpression === undefined ? null : readSelection(routeSelectionExpression);
  if (selection !== null && 'problem' in selection) problems.push({ at: ['routeSelectionExpression'], wanted: selection.problem });
  if (Object.keys(stageVariables).length > MOST_STAGE_VARIABLES)
    problems.push({ at: ['stageVariables'], wanted: `may hold ${MOST_STAGE_VARIABLES} variables` });
  if (target !== undefined) problems.push(...problemsAt(['target'], target, stageVariables));
  if (target !== undefined && backend !== undefined)
    problems.push({ at: ['backend'], wanted: 'has no meaning beside target: it stands for { type: webhook, url: <backend> }' });
  if (!('routes' in spec || 'target' in spec || 'backend' in spec))
    problems.push({ at: [], wanted: 'must have routes, a target, or a backend' });
  for (const [key, route] of Object.entries(routes ?? {})) problems.push(...routeProblems(key, route ?? {}, spec));
  if (authorizer !== undefined) problems.push(...authorizerProblems(authorizer, stageVariables));
  if (sigv4 !== undefined) problems.push(...sigv4Problems(sigv4));
  return problems;
}

function routeProblems(key: string, route: AwsRoute, spec: AwsRouteSpec & { readonly backend?: string }): RouteProblem[] {
  const at = ['routes', key];
  const problems: RouteProblem[] = [];
  const isReserved = RESERVED_ROUTES.some((name) => name === key);
  if (key === '' || (key.startsWith('$') && !isReserved))
    problems.push({
      at,
      wanted: `the key of a route of your own must not be empty or begin with $; ${RESERVED_ROUTES.join(', ')} are the others`,
    });
  if (route.target !== undefined) problems.push(...problemsAt([...at, 'target'], route.target, spec.stageVariables ?? {}));
  else if (!('target' in route || 'target' in spec || 'backend' in spec))
    problems.push({ at, wanted: 'must have a target, as there is none beside routes, and no backend' });
  if (route.routeResponse === true && (key === '$connect' || key === '$disconnect'))
    problems.push({ at: [...at, 'routeResponse'], wanted: `has no meaning for ${key}: there is no open socket` });
  if (spec.strict === true && route.timeoutMs !== undefined && !isIntegrationTimeout(route.timeoutMs))
    problems.push({
      at: [...at, 'timeoutMs'],
      wanted: `must be ${INTEGRATION_TIMEOUT_MS.minimum} to ${INTEGRATION_TIMEOUT_MS.maximum} where strict is set`,
    });
  return problems;
}

function isIntegrationTimeout(timeoutMs: number): boolean {
  return timeoutMs >= INTEGRATION_TIMEOUT_MS.minimum && timeoutMs <= INTEGRATION_TIMEOUT_MS.maximum;
}

function authorizerProblems(
  { target, jwt, identitySource = [] }: AuthorizerSpec,
  variables: Readonly<Record<string, string>>,
): RouteProblem[] {
  if ((target === undefined) === (jwt === undefined)) return [{ at: ['authorizer'], wanted: 'must have a target or a jwt, and not both' }];
  const problems: RouteProblem[] = target === undefined ? [] : problemsAt(['authorizer', 'target'], target, variables);
  for (const [index, source] of identitySource.entries()) {
    const problem = identityProblem(source);
    if (problem !== null) problems.push({ at: ['authorizer', 'identitySource', index], wanted: problem });
  }
  return jwt === undefined ? problems : [...problems, ...jwtProblems(jwt)];
}

function jwtProblems(jwt: NonNullable<AuthorizerSpec['jwt']>): RouteProblem[] {
  const { jwksUri, issuer } = jwt;
  if (jwksUri === undefined && issuer === undefined)
    return [{ at: ['authorizer', 'jwt'], wanted: 'must have the jwksUri of the keys, or the issuer who publishes where they are' }];
  if (jwksUri !== undefined && !isUrl(jwksUri)) return [{ at: ['authorizer', 'jwt', 'jwksUri'], wanted: 'must be a URL of http or https' }];
  if (jwksUri !== undefined || issuer === undefined || isUrl(issuer)) return [];
  return [{ at: ['authorizer', 'jwt', 'issuer'], wanted: 'must be a URL of http or https where there is no jwksUri' }];
}

function sigv4Problems({ mode, keys, tokens }: Sigv4Spec): RouteProblem[] {
  const problems: RouteProblem[] = [];
  if (mode === 'verify' && keys === undefined) problems.push({ at: ['sigv4'], wanted: 'must have keys where mode is verify' });
  if (mode === 'bearer' && tokens === undefined) problems.push({ at: ['sigv4'], wanted: 'must have tokens where mode is bearer' });
  if (mode !== 'verify' && keys !== undefined) problems.push({ at: ['sigv4', 'keys'], wanted: 'have no meaning unless mode is verify' });
  if (mode !== 'bearer' && tokens !== undefined)
    problems.push({ at: ['sigv4', 'tokens'], wanted: 'have no meaning unless mode is bearer' });
  return problems;
}

function isUrl(url: string): boolean {
  return /^https?:$/.test(URL.parse(url)?.protocol ?? '');
}

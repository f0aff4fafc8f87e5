import type { AwsApi, AwsRoute } from '../aws-api.ts';
import { DEFAULT_SELECTION, throttleOf } from './apis.ts';
import type { Stack } from './intrinsics.ts';
import { apiIdOf, SAM_DEFAULT_STAGE } from './names.ts';
import { ofType, type Resource } from './resources.ts';
import type { FunctionIndex } from './targets.ts';
import { isAuthorized, unmapped } from './authorization.ts';

/** The WebSocket APIs that a SAM template writes in one piece (`AWS::Serverless::WebSocketApi`). */
export function samApisOf(stack: Stack, index: FunctionIndex): AwsApi[] {
  return ofType(stack.resources, 'AWS::Serverless::WebSocketApi').map((api) => apiOf(api, stack, index));
}

function apiOf({ id, properties }: Resource, stack: Stack, index: FunctionIndex): AwsApi {
  const routes = properties
    .get('Routes')
    .entries()
    .flatMap(([key, route]) => {
      const arn = route.get('FunctionArn').text();
      if (arn === null) {
        stack.notes.add(route.place, route.path, 'a FunctionArn was wanted: the route is left out');
        return [];
      }
      const read: AwsRoute = {
        target: index.targetOf(arn),
        hasResponse: route.get('RouteResponseSelectionExpression').isGiven,
        integrationTimeoutMs: route.get('IntegrationTimeout').number(),
        throttle: throttleOf(properties, key),
        place: route.place,
      };
      return [[key, read] as const];
    });
  return {
    name: id,
    apiId: apiIdOf(id),
    region: null,
    stage: properties.get('StageName').text() ?? SAM_DEFAULT_STAGE,
    domainName: properties.get('Domain', 'DomainName').text(),
    routeSelectionExpression: properties.get('RouteSelectionExpression').text() ?? DEFAULT_SELECTION,
    routes: new Map(routes),
    authorizer: authorizerOf(properties.get('Auth'), stack, index),
    stageVariables: properties.get('StageVariables').textEntries(),
  };
}

function authorizerOf(auth: Resource['properties'], stack: Stack, index: FunctionIndex): AwsApi['authorizer'] {
  const type = auth.get('AuthType');
  if (!isAuthorized(type)) return null;
  if (type.text() !== 'CUSTOM') return unmapped(type, stack.notes);
  const arn = auth.get('AuthArn');
  const said = arn.text();
  if (said !== null) return { target: index.targetOf(said), identitySource: auth.get('IdentitySource').texts(), place: auth.place };
  stack.notes.add(arn.place, arn.path, 'the ARN of a function was wanted');
  return { target: null, place: arn.place };
}

import type { AwsApi, AwsAuthorizer, AwsRoute } from '../aws-api.ts';
import { DEFAULT_SELECTION, throttleOf } from './apis.ts';
import type { Stack } from './intrinsics.ts';
import { apiIdOf, SAM_DEFAULT_STAGE } from './names.ts';
import { ofType, type Resource } from './resources.ts';
import type { FunctionIndex } from './targets.ts';

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

function authorizerOf(auth: Resource['properties'], stack: Stack, index: FunctionIndex): AwsAuthorizer | null {
  const type = auth.get('AuthType');
  if (type.text() === 'AWS_IAM') stack.notes.add(type.place, type.path, 'signatures of clients are not checked: everybody may connect');
  const arn = auth.get('AuthArn').text();
  return type.text() !== 'CUSTOM' || arn === null
    ? null
    : { target: index.targetOf(arn), identitySource: auth.get('IdentitySource').texts(), place: auth.place };
}

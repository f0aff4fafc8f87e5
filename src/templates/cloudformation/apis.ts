import type { AwsApi, AwsRoute, AwsThrottle } from '../aws-api.ts';
import type { Cursor } from '../cursor.ts';
import type { Stack } from './intrinsics.ts';
import { apiIdOf } from './names.ts';
import { ofType, type Resource } from './resources.ts';
import { integrationTarget, type FunctionIndex } from './targets.ts';
import { isAuthorized, unmapped } from './authorization.ts';

export const DEFAULT_SELECTION = '$request.body.action';
const DEFAULT_IDENTITY_SOURCE: readonly string[] = ['route.request.header.Authorization'];
const CONNECT = '$connect';

type Context = { readonly stack: Stack; readonly index: FunctionIndex; readonly stage: string | undefined };

/** The WebSocket APIs that a stack writes out resource by resource (`AWS::ApiGatewayV2::…`). */
export function apisOf(context: Context): AwsApi[] {
  const { stack } = context;
  return ofType(stack.resources, 'AWS::ApiGatewayV2::Api')
    .filter(({ properties }) => properties.get('ProtocolType').text() === 'WEBSOCKET')
    .map((api) => apiOf(api, context));
}

function apiOf(api: Resource, context: Context): AwsApi {
  const { stack } = context;
  const apiId = apiIdOf(api.id);
  const isItsOwn = ({ properties }: Resource): boolean => properties.get('ApiId').text() === apiId;
  const stage = stageOf(ofType(stack.resources, 'AWS::ApiGatewayV2::Stage').filter(isItsOwn), api, context);
  const routes = new Map<string, AwsRoute>();
  let authorizer: AwsApi['authorizer'] = null;
  for (const { properties, cursor } of ofType(stack.resources, 'AWS::ApiGatewayV2::Route').filter(isItsOwn)) {
    const key = properties.get('RouteKey').text();
    if (key === null) continue;
    const route = routeOf(properties, cursor, context);
    if (route !== null) routes.set(key, { ...route, throttle: throttleOf(stage.properties, key) });
    if (key === CONNECT) authorizer = authorizerOf(properties, context);
  }
  return {
    name: api.id,
    apiId,
    region: null,
    stage: stage.name,
    stageVariables: stage.properties === null ? {} : stage.properties.get('StageVariables').textEntries(),
    domainName: domainOf(apiId, stack),
    routeSelectionExpression: api.properties.get('RouteSelectionExpression').text() ?? DEFAULT_SELECTION,
    routes,
    authorizer,
  };
}

function routeOf(properties: Cursor, { place }: Cursor, { stack, index }: Context): Omit<AwsRoute, 'throttle'> | null {
  noteUnmapped(properties, stack);
  const target = properties.get('Target');
  const id = /^integrations\/(.+)$/.exec(target.text() ?? '')?.[1];
  const integration = id === undefined ? undefined : stack.resources.get(id)?.properties;
  if (integration === undefined) {
    stack.notes.add(target.place, target.path, 'an integration of this template was wanted: the route is left out');
    return null;
  }
  const asked = integrationTarget(integration, index, stack.notes);
  return asked === null
    ? null
    : {
        target: asked,
        hasResponse: properties.get('RouteResponseSelectionExpression').isGiven,
        integrationTimeoutMs: integration.get('TimeoutInMillis').number(),
        place,
      };
}

function noteUnmapped(properties: Cursor, { notes }: Stack): void {
  const unmapped: readonly [string, string][] = [
    ['RequestModels', 'messages are not checked against models'],
    ['RequestParameters', 'parameters are not mapped: the function gets the whole event'],
  ];
  for (const [name, said] of unmapped) {
    const found = properties.get(name);
    if (found.isGiven) notes.add(found.place, found.path, said);
  }
  const key = properties.get('ApiKeyRequired');
  if (key.text() === 'true') notes.add(key.place, key.path, 'API keys are not checked');
}

function authorizerOf(route: Cursor, { stack, index }: Context): AwsApi['authorizer'] {
  const type = route.get('AuthorizationType');
  if (!isAuthorized(type)) return null;
  if (type.text() !== 'CUSTOM') return unmapped(type, stack.notes);
  const named = route.get('AuthorizerId');
  const found = stack.resources.get(named.text() ?? '');
  const uri = found?.properties.get('AuthorizerUri').text() ?? null;
  if (found === undefined || uri === null) {
    stack.notes.add(named.place, named.path, 'an authorizer of this template was wanted');
    return { target: null, place: named.place };
  }
  const sources = found.properties.get('IdentitySource');
  return {
    target: index.targetOf(uri),
    identitySource: sources.isGiven ? sources.texts() : DEFAULT_IDENTITY_SOURCE,
    place: found.cursor.place,
  };
}

type ReadStage = { readonly name: string; readonly properties: Cursor | null };

/** The stage that is asked for, else the first that there is. */
function stageOf(stages: readonly Resource[], api: Resource, { stack, stage }: Context): ReadStage {
  const named = stages.map(({ properties }) => ({ name: properties.get('StageName').text() ?? '', properties }));
  const chosen = stage === undefined ? named[0] : named.find(({ name }) => name === stage);
  if (named.length > 1 && stage === undefined) {
    const { place, path } = api.cursor;
    const names = named.map(({ name }) => name).join(', ');
    stack.notes.add(place, path, `it has several stages (${names}); the first was taken, --stage NAME takes another`);
  }
  return { name: chosen?.name || (stage ?? 'dev'), properties: chosen?.properties ?? null };
}

/** Of the route, else of the whole stage. */
export function throttleOf(stage: Cursor | null, routeKey: string): AwsThrottle | null {
  for (const settings of [stage?.get('RouteSettings', routeKey), stage?.get('DefaultRouteSettings')]) {
    const rate = settings?.get('ThrottlingRateLimit').number() ?? null;
    if (rate !== null && rate > 0) return { rate, burst: settings?.get('ThrottlingBurstLimit').number() ?? null };
  }
  return null;
}

/** The custom domain that is mapped to the API. */
function domainOf(apiId: string, stack: Stack): string | null {
  for (const { properties } of ofType(stack.resources, 'AWS::ApiGatewayV2::ApiMapping')) {
    if (properties.get('ApiId').text() !== apiId) continue;
    const key = properties.get('ApiMappingKey');
    if (key.isGiven)
      stack.notes.add(key.place, key.path, 'under a custom domain clients connect to /<mapping key>; here the path is that of the stage');
    const domain = properties.get('DomainName').text();
    const resource = domain === null ? undefined : stack.resources.get(domain);
    return resource?.properties.get('DomainName').text() ?? domain;
  }
  return null;
}

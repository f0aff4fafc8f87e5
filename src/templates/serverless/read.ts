import type { AwsApi, TemplateOptions } from '../aws-api.ts';
import { apisOf, DEFAULT_SELECTION } from '../cloudformation/apis.ts';
import { functionsOf } from '../cloudformation/functions.ts';
import { Stack } from '../cloudformation/intrinsics.ts';
import { apiIdOf } from '../cloudformation/names.ts';
import { FunctionIndex } from '../cloudformation/targets.ts';
import { Cursor } from '../cursor.ts';
import { map, scalar, type Node } from '../node.ts';
import type { Notes } from '../notes.ts';
import { functionEntries, logicalId, readFunction } from './functions.ts';
import { readDotenv } from './dotenv.ts';
import { DEFAULT_STAGE, Variables } from './variables.ts';
import { websocketsOf } from './websockets.ts';

/** What Serverless calls the API in its stack. */
const API = 'WebsocketsApi';

/** The WebSocket APIs of a Serverless template: that of its `websocket` events, and those that its `resources` write out. */
export async function readServerless(
  root: Node,
  options: TemplateOptions,
  notes: Notes,
): Promise<{ readonly apis: readonly AwsApi[]; readonly files: readonly string[] }> {
  const dotenv = readDotenv(root, options.stage ?? DEFAULT_STAGE);
  const variables = new Variables(root, { ...options, environment: { ...dotenv.environment, ...options.environment } }, notes);
  const plain = new Cursor(root, variables.resolve, { path: '', place: root.place });
  const service = plain.get('service').text() ?? plain.get('service', 'name').text() ?? 'service';
  const { stage } = variables;
  const names = new Map(
    [...functionEntries(plain)].map(([name, entry]) => [name, entry.get('name').text() ?? `${service}-${stage}-${name}`]),
  );
  const stack = new Stack({
    root: stackRoot(plain, { names, stage }),
    region: variables.region,
    stackName: `${service}-${stage}`,
    parameters: options.parameters,
    imports: () => null,
    notes,
    before: variables.resolve,
  });
  const template = new Cursor(root, stack.resolve, { path: '', place: root.place });
  const functions = await Promise.all(
    [...functionEntries(template)].map(([name, entry]) => readFunction(name, entry, { template, functionName: names.get(name) ?? name })),
  );
  const written = (await functionsOf(stack, () => null)).filter(({ functionName }) => ![...names.values()].includes(functionName));
  const index = new FunctionIndex([...functions.map((entry) => entry.function), ...written]);
  const { routes, authorizer } = websocketsOf(functions, index, notes);
  const api: AwsApi = {
    name: template.get('provider', 'websocketsApiName').text() ?? `${stage}-${service}-websockets`,
    apiId: apiIdOf(API),
    region: template.get('provider', 'region').text(),
    stage,
    domainName: null,
    routeSelectionExpression: template.get('provider', 'websocketsApiRouteSelectionExpression').text() ?? DEFAULT_SELECTION,
    routes,
    authorizer,
    stageVariables: {},
  };
  return {
    apis: [...(routes.size === 0 ? [] : [api]), ...apisOf({ stack, index, stage: options.stage })],
    files: [...dotenv.files, ...variables.files],
  };
}

/** The stack that Serverless would make, as far as others refer to it: `resources`, its functions, its API. */
function stackRoot(template: Cursor, { names, stage }: { readonly names: ReadonlyMap<string, string>; readonly stage: string }): Node {
  const { place } = template;
  const sections = new Map<string, Map<string, Node>>();
  for (const group of template.get('resources').items())
    for (const [section, content] of group.entries()) {
      const merged = sections.get(section) ?? new Map<string, Node>();
      for (const item of content.items())
        if (item.node?.type === 'map') for (const [id, resource] of item.node.entries) merged.set(id, resource);
      sections.set(section, merged);
    }
  const resources = sections.get('Resources') ?? new Map<string, Node>();
  const made = (type: string, properties: Readonly<Record<string, string>>): Node =>
    map(
      [
        ['Type', scalar(type, place)],
        [
          'Properties',
          map(
            Object.entries(properties).map(([name, value]) => [name, scalar(value, place)] as const),
            place,
          ),
        ],
      ],
      place,
    );
  for (const [name, functionName] of names) resources.set(logicalId(name), made('AWS::Lambda::Function', { FunctionName: functionName }));
  resources.set(API, made('AWS::ApiGatewayV2::Api', {}));
  resources.set(`${API}Stage`, made('AWS::ApiGatewayV2::Stage', { StageName: stage }));
  sections.set('Resources', resources);
  return map(
    [...sections].map(([section, entries]) => [section, map(entries, place)] as const),
    place,
  );
}

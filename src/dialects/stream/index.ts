import { Type } from 'typebox';
import { chooseSubprotocol } from '../../wire/entry.ts';
import { jsonVariablesOf } from '../../wire/name-template.ts';
import { readStreamTarget, type StreamTarget } from '../../wire/stream-targets.ts';
import type { CheckedRoute, DialectContext, DialectDefinition, DialectOnRoute, RouteProblem } from '../definition.ts';
import { StreamCodec } from './codec.ts';
import { readJsonPaths, type JsonPaths } from './json-values.ts';

/** Events become entries of a Redis stream or messages of an AMQP exchange; commands come by the control API, or from a stream. */
export const stream: DialectDefinition = {
  name: 'stream',
  hasClientIds: false,
  options: {},
  routeOptions: {
    open: Type.String({
      description:
        'Dialect stream: URL of an HTTP backend that decides who gets in, as with dialect wsaas; a stream alone refuses nobody. Messages and ends go to the stream.',
    }),
    jsonExtractVars: Type.Record(Type.String(), Type.String(), {
      description: 'Dialect stream: where in the JSON of a message the values of `{json.NAME}` are: `{ type: data.type }`.',
    }),
    streamIncludeTags: Type.Array(Type.String(), { description: 'Dialect stream: tags that entries tell. Default: all.' }),
  },
  create,
  ownBackend: {
    example: 'redis://localhost:6379/0?stream=connectionevents',
    problemOf(backend) {
      const target = readStreamTarget(backend);
      return typeof target === 'string' ? target : null;
    },
  },
  checkRoute,
  routes: () => Promise.resolve(),
  onId: [],
  reservedSegments: [],
  webhooks: {},
};

/** What a route of this dialect says beside what every route may. */
type Own = {
  readonly open?: string;
  readonly jsonExtractVars?: Readonly<Record<string, string>>;
  readonly streamIncludeTags?: readonly string[];
};

function create({ routePath, ownBackend = '', subprotocols, values }: DialectContext): DialectOnRoute {
  const { open, jsonExtractVars = {}, streamIncludeTags } = values as Own;
  const codec = new StreamCodec({
    route: routePath,
    includeTags: streamIncludeTags === undefined ? null : new Set(streamIncludeTags),
    jsonPaths: read<Readonly<Record<string, string>>, JsonPaths>(readJsonPaths, jsonExtractVars),
  });
  const target = read<string, StreamTarget>(readStreamTarget, ownBackend);
  return {
    speech: { type: 'entries', codec, target },
    backendName: target.shownUrl,
    enter(request) {
      const subprotocol = chooseSubprotocol(subprotocols, request.subprotocols);
      return typeof subprotocol === 'object' && subprotocol !== null ? subprotocol : { clientId: null, subprotocol };
    },
    ...(open !== undefined && { gatekeeper: open }),
  };
}

function checkRoute(route: CheckedRoute & Own): RouteProblem[] {
  const problems: RouteProblem[] = [];
  const paths = readJsonPaths(route.jsonExtractVars ?? {});
  if (typeof paths === 'string') problems.push({ at: ['jsonExtractVars'], wanted: paths });
  const target = readStreamTarget(route.backend ?? '');
  if (typeof target !== 'string' && typeof paths !== 'string') {
    const used = new Set(jsonVariablesOf(target.name));
    for (const name of paths.keys())
      if (!used.has(name)) problems.push({ at: ['jsonExtractVars'], wanted: `has ${name}, which no name uses: {json.${name}} is in none` });
  }
  return problems;
}

/** routes/checks.ts has seen to it that it can be read. */
function read<Given, Value>(reader: (given: Given) => Value | string, given: Given): Value {
  const value = reader(given);
  if (typeof value === 'string') throw new TypeError(value);
  return value;
}

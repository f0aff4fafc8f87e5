import { Type, type Static } from 'typebox';
import { DIALECTS } from '../dialects/index.ts';
import { LIMIT_OPTIONS } from '../config/limits.ts';
import { options } from '../config/options.ts';

type LimitName = keyof typeof LIMIT_OPTIONS;

function limit(name: LimitName) {
  const option = LIMIT_OPTIONS[name];
  const { description = '', minimum = 0, maximum } = options[option] as { description?: string; minimum?: number; maximum?: number };
  return Type.Optional(
    Type.Integer({ description: `${description} Overrides ${option}.`, minimum, ...(maximum !== undefined && { maximum }) }),
  );
}

const limits = Object.fromEntries((Object.keys(LIMIT_OPTIONS) as LimitName[]).map((name) => [name, limit(name)])) as Record<
  LimitName,
  ReturnType<typeof limit>
>;

/** One route of ROUTES_FILE (CONTRACT §4). */
export const routeSchema = Type.Object(
  {
    path: Type.String({
      pattern: '^/',
      description: 'find-my-way syntax: static parts before parameters (`:name`) before a wildcard (`*`), whatever the order in the file.',
    }),
    dialect: Type.Optional(
      Type.Enum(Object.keys(DIALECTS) as (keyof typeof DIALECTS)[], { description: 'The HTTP contract. Default: wsaas.' }),
    ),
    backend: Type.String({ description: 'URL of the backend; of dialect wsaas it may hold `{id}`.' }),
    backendHeaders: Type.Optional(
      Type.Record(Type.String(), Type.String(), { description: 'Fixed headers for every call. Overrides BACKEND_HEADERS.' }),
    ),
    tags: Type.Optional(
      Type.Record(Type.String(), Type.String(), { description: 'Tags of every connection; `:name` takes a path parameter.' }),
    ),
    reply: Type.Optional(Type.Boolean({ description: 'Dialect wsaas: a non-empty 2xx answer to a message goes back to the client.' })),
    subprotocols: Type.Optional(
      Type.Array(Type.String({ pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$" }), {
        description: "Accepted ones, in the server's order of preference. None: the backend decides.",
      }),
    ),
    origins: Type.Optional(Type.Array(Type.String(), { description: 'Overrides ORIGINS.' })),
    forwardHeaders: Type.Optional(Type.Array(Type.String(), { description: 'Overrides FORWARD_HEADERS.' })),
    refuseWith: Type.Optional(Type.Enum(['http', 'close'], { description: 'Overrides REFUSE_WITH.' })),
    duplicateId: Type.Optional(
      Type.Enum(['newest', 'oldest'], {
        description: 'Where clients choose their ids: which of two connections with one id stays. Default: newest.',
      }),
    ),
    ocppCallTimeoutMs: Type.Optional(Type.Integer({ minimum: 1, description: 'Overrides OCPP_CALL_TIMEOUT_MS.' })),
    ocppQueue: Type.Optional(Type.Integer({ minimum: 0, description: 'Overrides OCPP_QUEUE.' })),
    noSubprotocol: Type.Optional(
      Type.Enum(['refuse', 'close'], {
        description: 'Dialect ocpp: a client without a common version is refused with 400 (default), or let in and closed at once.',
      }),
    ),
    ...limits,
  },
  { additionalProperties: false },
);

export const routesSchema = Type.Object(
  { routes: Type.Array(routeSchema, { minItems: 1 }) },
  { additionalProperties: false, title: 'wsaas routes', description: 'The file that ROUTES_FILE names.' },
);

export type RouteSpec = Static<typeof routeSchema>;

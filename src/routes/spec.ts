import { Type, type Static, type TSchema } from 'typebox';
import type { Dialects } from '../dialects/definition.ts';
import { DEFAULT_DIALECT, DIALECTS } from '../dialects/index.ts';
import { LIMIT_OPTIONS } from '../config/limits.ts';
import { CONTROL_PATH_PATTERN } from '../wire/control-paths.ts';
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

/** What a route may say whatever its dialect. */
const ownSchema = Type.Object(
  {
    path: Type.String({
      pattern: '^/',
      description: 'find-my-way syntax: static parts before parameters (`:name`) before a wildcard (`*`), whatever the order in the file.',
    }),
    backend: Type.Optional(
      Type.String({
        description:
          'URL of the backend; of dialect wsaas it may hold `{id}`, of dialect stream it begins with redis://, rediss://, redis+sentinel://, amqp:// or amqps://. `module:` and a path, relative to this file, is code in the gateway’s process. All dialects but aws need one.',
      }),
    ),
    backendHeaders: Type.Optional(
      Type.Record(Type.String(), Type.String(), { description: 'Fixed headers for every call. Overrides BACKEND_HEADERS.' }),
    ),
    tags: Type.Optional(
      Type.Record(Type.String(), Type.String(), { description: 'Tags of every connection; `:name` takes a path parameter.' }),
    ),
    subprotocols: Type.Optional(
      Type.Array(Type.String({ pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$" }), {
        description: "Accepted ones, in the server's order of preference. None: the backend decides.",
      }),
    ),
    origins: Type.Optional(Type.Array(Type.String({ minLength: 1 }), { description: 'Overrides ORIGINS.' })),
    forwardHeaders: Type.Optional(Type.Array(Type.String(), { description: 'Overrides FORWARD_HEADERS.' })),
    refuseWith: Type.Optional(Type.Enum(['http', 'close'], { description: 'Overrides REFUSE_WITH.' })),
    jwtJwksUri: Type.Optional(Type.String({ description: 'Overrides JWT_JWKS_URI. An empty one: clients of this route need no token.' })),
    jwtIssuer: Type.Optional(Type.Array(Type.String({ minLength: 1 }), { description: 'Overrides JWT_ISSUER.' })),
    jwtAudience: Type.Optional(Type.Array(Type.String({ minLength: 1 }), { description: 'Overrides JWT_AUDIENCE.' })),
    jwtClaimTags: Type.Optional(Type.Array(Type.String(), { description: 'Overrides JWT_CLAIM_TAGS.' })),
    controlPath: Type.Optional(
      Type.String({
        pattern: CONTROL_PATH_PATTERN,
        description:
          'Where clients choose their ids: one path segment such as `/tenant-a`, under which the ids are a namespace of their own and their commands are served. Default: directly under `WS_HOSTNAME`, for one route of a dialect.',
      }),
    ),
    duplicateId: Type.Optional(
      Type.Enum(['newest', 'oldest'], {
        description: 'Where clients choose their ids: which of two connections with one id stays. Default: newest.',
      }),
    ),
    ...limits,
  },
  { additionalProperties: false },
);

/** What a route may say of its dialect: the dialect's own properties, and its options under their camelCase names. */
function dialectProperties(dialects: Dialects): Record<string, TSchema> {
  const properties: Record<string, TSchema> = {};
  for (const { options, routeOptions } of Object.values(dialects)) {
    for (const [name, schema] of Object.entries(options)) {
      const { default: _standard, ...rest } = schema as TSchema & { readonly default?: unknown; readonly description?: string };
      properties[camelCase(name)] = { ...rest, description: `${rest.description ?? ''} Overrides ${name}.` };
    }
    Object.assign(properties, routeOptions);
  }
  return properties;
}

/** `OCPP_QUEUE` is `ocppQueue` in a route. */
export function camelCase(name: string): string {
  return name.toLowerCase().replaceAll(/_([a-z0-9])/g, (_all, letter: string) => letter.toUpperCase());
}

export function routesSchemaWith(dialects: Dialects) {
  const optional = Object.entries(dialectProperties(dialects)).map(([name, schema]) => [name, Type.Optional(schema)] as const);
  const dialect = Type.Enum(Object.keys(dialects), { description: `The HTTP contract. Default: ${DEFAULT_DIALECT}.` });
  const { path, ...others } = ownSchema.properties;
  const route = Type.Object(
    { path, dialect: Type.Optional(dialect), ...others, ...Object.fromEntries(optional) },
    { additionalProperties: false },
  );
  return Type.Object(
    { routes: Type.Array(route, { minItems: 1 }) },
    { additionalProperties: false, title: 'wsaas routes', description: 'The file that ROUTES_FILE names.' },
  );
}

export const routesSchema = routesSchemaWith(DIALECTS);

/** One route of ROUTES_FILE (docs/routes.md#a-route). What is the dialect's own is read by the dialect. */
export type RouteSpec = Static<typeof ownSchema> & { readonly dialect?: string };

import { dirname, resolve } from 'node:path';
import findMyWay from 'find-my-way';
import type { Refusal, TagChanges } from '../core/events.ts';
import type { Limits } from '../core/limits.ts';
import type { Speech } from '../wire/codec.ts';
import { Gatekeeper } from '../core/gatekeeper.ts';
import type { Route } from '../core/route.ts';
import { refused } from '../wire/verdicts.ts';
import type { DialectContext, DialectDefinition, DialectOnRoute, Dialects } from '../dialects/definition.ts';
import { DEFAULT_DIALECT, DIALECTS } from '../dialects/index.ts';
import { readers } from '../config/forms.ts';
import { type ClientRoute, type FoundRoute, originCheck } from '../wire/client-route.ts';
import { camelCase, type RouteSpec } from './spec.ts';
import { tokenGate, type TokenDefaults } from './token-gates.ts';

export type RouteTable = {
  readonly find: (path: string) => FoundRoute | Refusal;
  readonly routes: readonly ClientRoute[];
  /** What the routes say to the commands of their dialects: dialect, route's name, what it says. */
  readonly controls: readonly (readonly [dialect: string, name: string, control: object])[];
};

/** What holds for a route that does not say otherwise: the global options. */
export type RouteDefaults = {
  readonly limits: Limits;
  /** BACKEND_HEADERS: name, value, name, value … */
  readonly backendHeaders: readonly string[];
  readonly origins: readonly string[];
  readonly forwardHeaders: ReadonlySet<string>;
  readonly refuseWith: 'http' | 'close';
  readonly tokens: TokenDefaults;
  /** Options of the dialects, by the names of their environment variables. */
  readonly dialectOptions: Readonly<Record<string, unknown>>;
};

export type RouteTableOptions = {
  /** ROUTES_FILE; undefined: there is none. */
  readonly file: string | undefined;
  readonly defaults: RouteDefaults;
  readonly dialects: Dialects;
  /** Do the listeners speak TLS? Default: no. */
  readonly isEncrypted?: boolean;
  /** By the control path of a route. */
  readonly wsUris: (controlPath: string) => (id: string) => string;
  /** Who answers the events of a route. */
  readonly serve: (spoken: {
    readonly url: URL | null;
    readonly speech: Speech;
    readonly limits: Limits;
  }) => Promise<Pick<Route, 'backend' | 'intake' | 'companion'>>;
};

const MODULE = 'module:';
const IN_PROCESS: Speech = { type: 'handlers' };

/** What serves each client path: from ROUTES_FILE, or everything by API_URI. */
export async function createRouteTable(specs: readonly RouteSpec[], options: RouteTableOptions): Promise<RouteTable> {
  const router = findMyWay({ maxParamLength: 1_024 });
  const made = await Promise.all(specs.map((spec) => createRoute(spec, options)));
  for (const [index, { path }] of specs.entries()) router.on('GET', path, () => {}, made[index]?.client);
  const unknown = unknownPath(specs, options.dialects);
  return {
    routes: made.map(({ client }) => client),
    controls: made.flatMap(({ dialect, client, control }) =>
      control === undefined ? [] : [[dialect, client.route.name, control] as const],
    ),
    find(path) {
      // as spelt, so that a route of its own may have the slash; else a slash at the end makes no other path
      const found = router.find('GET', path) ?? (path.endsWith('/') && path !== '/' ? router.find('GET', path.slice(0, -1)) : null);
      return found === null ? unknown : { route: found.store as ClientRoute, parameters: found.params as Record<string, string> };
    },
  };
}

/** What a client is told whose path no route has: as its dialect says, where there is but one. */
function unknownPath(specs: readonly RouteSpec[], dialects: Dialects): Refusal {
  const [first = DEFAULT_DIALECT, ...others] = new Set(specs.map(({ dialect = DEFAULT_DIALECT }) => dialect));
  const own = others.length === 0 ? dialects[first]?.unknownPath : undefined;
  return own ?? refused(404, 'NOT_FOUND', 'no route has this path');
}

type Made = { readonly dialect: string; readonly client: ClientRoute; readonly control: object | undefined };

async function createRoute(spec: RouteSpec, options: RouteTableOptions): Promise<Made> {
  const { file, defaults, dialects, wsUris, serve } = options;
  const standard = limitsOf(spec, defaults.limits);
  const dialect = dialects[spec.dialect ?? DEFAULT_DIALECT];
  if (dialect === undefined) throw new TypeError(`no dialect is called ${spec.dialect}`); // routes/file.ts has checked it
  if (spec.backend === undefined && dialect.needsBackend !== false) throw new TypeError(`the route ${spec.path} has no backend`); // nor without one
  const { controlPath = '' } = spec;
  const origins: readonly string[] = spec.origins === undefined ? defaults.origins : read('origins', spec.origins.join(','));
  const url = spec.backend === undefined || dialect.ownBackend !== undefined ? null : read<URL>('url', spec.backend);
  const context = {
    ...backendOf(url),
    ...(spec.backend !== undefined && dialect.ownBackend !== undefined && { ownBackend: spec.backend }),
    routePath: spec.path,
    isEncrypted: options.isEncrypted === true,
    directory: file === undefined ? '.' : dirname(resolve(file)),
    wsUri: wsUris(controlPath),
    backendHeaders:
      spec.backendHeaders === undefined ? defaults.backendHeaders : read<readonly string[]>('headers', JSON.stringify(spec.backendHeaders)),
    limits: standard,
    subprotocols: spec.subprotocols ?? [],
    values: valuesOf(dialect, spec, defaults.dialectOptions),
  };
  const { speech, enter, control, gatekeeper, ...own } = dialect.create(context);
  const limits = own.limits ?? standard;
  const isInProcess = url?.protocol === MODULE;
  const served = await serve({ url, speech: isInProcess ? IN_PROCESS : speech, limits });
  const route: Route = {
    name: spec.path,
    backendName: own.backendName ?? (isInProcess ? url.href : url?.origin) ?? spec.path,
    ...served,
    ...(gatekeeper !== undefined && { backend: new Gatekeeper(await keeperOf(gatekeeper, context, options), served.backend) }),
    limits,
    namespace: controlPath,
    duplicateId: spec.duplicateId ?? 'newest',
    idForm: own.idForm ?? 'long',
    earlyPushes: own.earlyPushes ?? 'kept',
    takesBinary: own.takesBinary ?? true,
  };
  const client: ClientRoute = {
    route,
    enter: withoutReservedIds(enter, dialects),
    tags: (parameters) => tagsOf(spec, parameters),
    isOriginAllowed: originCheck(origins),
    checksOrigins: origins.length > 0,
    tokens: tokenGate(spec, defaults.tokens),
    forwardHeaders: spec.forwardHeaders === undefined ? defaults.forwardHeaders : read('header-names', spec.forwardHeaders.join(',')),
    refuseWith: spec.refuseWith ?? defaults.refuseWith,
    isUpgradeOnly: dialect.isUpgradeOnly === true,
  };
  return { dialect: dialect.name, client, control };
}

/** Another backend that decides who gets in, asked in the default dialect. */
async function keeperOf(gatekeeper: string, context: DialectContext, { serve }: RouteTableOptions): Promise<Route['backend']> {
  const url = read<URL>('url', gatekeeper);
  const { speech } = DIALECTS[DEFAULT_DIALECT].create({ ...context, ...backendOf(url), values: {} });
  return (await serve({ url, speech, limits: context.limits })).backend;
}

function backendOf(url: URL | null): Pick<DialectContext, 'backend' | 'backendPath'> {
  return { backend: url, backendPath: url === null ? '/' : (url.pathname + url.search).replaceAll(/%7Bid%7D/gi, '{id}') };
}

/** A route overrides a limit by the limit's own name. */
function limitsOf(spec: RouteSpec, standard: Limits): Limits {
  const limits = { ...standard } as Record<keyof Limits, number>;
  for (const name of Object.keys(standard) as (keyof Limits)[]) limits[name] = spec[name] ?? standard[name];
  return limits;
}

/** No client may choose a first path segment of a dialect's commands as its id. */
function withoutReservedIds(enter: DialectOnRoute['enter'], dialects: Dialects): DialectOnRoute['enter'] {
  const reserved = new Set(Object.values(dialects).flatMap(({ reservedSegments }) => reservedSegments));
  return (request) => {
    const entry = enter(request);
    if ('type' in entry || entry.clientId === null || !reserved.has(entry.clientId)) return entry;
    return refused(400, 'BAD_REQUEST', `the id ${JSON.stringify(entry.clientId)} is a word of the control API`);
  };
}

/** The dialect's options on this route: the route's own, else the global ones, else the defaults. */
function valuesOf(
  { options, routeOptions }: DialectDefinition,
  spec: object,
  global: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const own = spec as Readonly<Record<string, unknown>>;
  const values: Record<string, unknown> = {};
  for (const name of Object.keys(options)) values[camelCase(name)] = own[camelCase(name)] ?? global[name];
  for (const [name, schema] of Object.entries(routeOptions)) values[name] = own[name] ?? (schema as { default?: unknown }).default;
  return values;
}

function tagsOf({ tags }: RouteSpec, parameters: Readonly<Record<string, string>>): TagChanges {
  if (tags === undefined) return [];
  return Object.entries(tags).map(([key, value]) => [key, value.startsWith(':') ? (parameters[value.slice(1)] ?? '') : value] as const);
}

function read<Value>(form: keyof typeof readers, text: string): Value {
  const result = readers[form](text);
  if (typeof result === 'string') throw new TypeError(`${result}, came ${JSON.stringify(text)}`); // routes/file.ts has checked it
  return result.value as Value;
}

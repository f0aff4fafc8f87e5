import findMyWay from 'find-my-way';
import type { Config } from '../config/load.ts';
import type { TagChanges } from '../core/events.ts';
import type { Limits } from '../core/limits.ts';
import type { Speech } from '../wire/codec.ts';
import type { Route } from '../core/route.ts';
import { DIALECTS } from '../dialects/index.ts';
import { limitsOf } from '../config/limits.ts';
import { readers } from '../config/forms.ts';
import { originCheck } from '../wire/origins.ts';
import type { ClientRoute, FoundRoute } from '../wire/client-route.ts';
import type { RouteSpec } from './spec.ts';

export type RouteTable = {
  readonly find: (path: string) => FoundRoute | null;
  readonly routes: readonly ClientRoute[];
};

export type RouteTableOptions = {
  readonly config: Config;
  readonly wsUri: (id: string) => string;
  /** Who answers the events of a route, over the sockets that all routes to this origin share. */
  readonly serve: (origin: string, speech: Speech, limits: Limits) => Pick<Route, 'backend' | 'intake'>;
};

/** What serves each client path: from ROUTES_FILE, or everything by API_URI. */
export function createRouteTable(specs: readonly RouteSpec[], options: RouteTableOptions): RouteTable {
  const router = findMyWay({ maxParamLength: 1_024 });
  const routes = specs.map((spec) => createRoute(spec, options));
  for (const [index, { path }] of specs.entries()) router.on('GET', path, () => {}, routes[index]);
  return {
    routes,
    find(path) {
      const found = router.find('GET', path);
      return found === null ? null : { route: found.store as ClientRoute, parameters: found.params as Record<string, string> };
    },
  };
}

function createRoute(spec: RouteSpec, { config, wsUri, serve }: RouteTableOptions): ClientRoute {
  const url = read<URL>('url', spec.backend);
  const limits = limitsOf(config, spec);
  const { speech, enter } = DIALECTS[spec.dialect ?? 'wsaas'].create({
    backendPath: (url.pathname + url.search).replaceAll(/%7Bid%7D/gi, '{id}'),
    wsUri,
    backendHeaders: spec.backendHeaders === undefined ? config.BACKEND_HEADERS : read('headers', JSON.stringify(spec.backendHeaders)),
    limits,
    reply: spec.reply ?? false,
    subprotocols: spec.subprotocols ?? [],
    ocppCallTimeoutMs: spec.ocppCallTimeoutMs ?? config.OCPP_CALL_TIMEOUT_MS,
    ocppQueue: spec.ocppQueue ?? config.OCPP_QUEUE,
    noSubprotocol: spec.noSubprotocol ?? 'refuse',
  });
  const route: Route = {
    name: spec.path,
    backendName: url.origin,
    ...serve(url.origin, speech, limits),
    limits,
    duplicateId: spec.duplicateId ?? 'newest',
  };
  return {
    route,
    enter,
    tags: (parameters) => tagsOf(spec, parameters),
    isOriginAllowed: originCheck(spec.origins ?? config.ORIGINS),
    forwardHeaders: spec.forwardHeaders === undefined ? config.FORWARD_HEADERS : read('header-names', spec.forwardHeaders.join(',')),
    refuseWith: spec.refuseWith ?? config.REFUSE_WITH,
  };
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

import type { Route } from '../core/route.ts';
import { withoutSecrets } from '../config/without-secrets.ts';
import { DEFAULT_DIALECT } from '../dialects/index.ts';
import { readRoutesFile, RoutesFileError } from './file.ts';
import type { RouteSpec } from './spec.ts';
import { createRouteTable, type RouteTable, type RouteTableOptions } from './table.ts';

export type Routing = {
  readonly find: RouteTable['find'];
  /** Also routes of earlier readings, which their connections keep. */
  readonly byName: (name: string) => Route | undefined;
  /** Was the dialect among the routes at the start? Commands are registered then, and buffers sized; a later file changes neither. */
  readonly hasDialect: (name: string) => boolean;
  readonly largestMessageBytes: number;
  readonly shortestSpanMs: number;
  /** Reads ROUTES_FILE again: new connections use it, open ones keep theirs. Says what is wrong and changes nothing, or returns null. */
  readonly reload: () => Promise<string | null>;
  readonly facts: readonly string[];
};

export type RoutingOptions = RouteTableOptions & {
  /** ROUTES_FILE; undefined: one route takes every path to `backend`. */
  readonly file: string | undefined;
  readonly backend: string;
};

/** The routes of this process. Throws a RoutesFileError. */
export async function createRouting(options: RoutingOptions): Promise<Routing> {
  const specs = await readSpecs(options);
  let table = createRouteTable(specs, options);
  const byName = new Map<string, Route>();
  remember(table);
  const limits = table.routes.map(({ route }) => route.limits);
  const dialects = new Set(specs.map(({ dialect = DEFAULT_DIALECT }) => dialect));
  const largestMessageBytes = Math.max(...[options.defaults.limits, ...limits].map(({ maxMessageBytes }) => maxMessageBytes));

  function remember({ routes }: RouteTable): void {
    for (const { route } of routes) byName.set(route.name, route);
  }

  async function reload(): Promise<string | null> {
    if (options.file === undefined) return 'there is no ROUTES_FILE to read again';
    try {
      const read = await readSpecs(options);
      const fresh = read.find(({ dialect = DEFAULT_DIALECT }) => !dialects.has(dialect));
      if (fresh !== undefined) return `dialect ${fresh.dialect} is new: restart for it`;
      const next = createRouteTable(read, options);
      if (next.routes.some(({ route }) => route.limits.maxMessageBytes > largestMessageBytes))
        return `maxMessageBytes over ${largestMessageBytes} is new: restart for it`;
      table = next;
      remember(next);
      return null;
    } catch (error) {
      if (error instanceof RoutesFileError) return error.message;
      throw error;
    }
  }

  let last: Promise<unknown> = Promise.resolve();
  /** One after the other: of two signals the later file counts. */
  function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = last.then(work);
    last = done.catch(() => {});
    return done;
  }

  return {
    find: (path) => table.find(path),
    byName: (name) => byName.get(name),
    hasDialect: (name) => dialects.has(name),
    largestMessageBytes,
    shortestSpanMs: Math.min(
      ...limits.flatMap(({ idleTimeoutMs, slowClientTimeoutMs }) => [idleTimeoutMs, slowClientTimeoutMs]).filter((span) => span > 0),
    ),
    reload: () => inTurn(reload),
    facts: specs.map(({ path, dialect = DEFAULT_DIALECT, backend }) => `${path} ${dialect} ${withoutSecrets(backend)}`),
  };
}

async function readSpecs({ file, backend, dialects }: RoutingOptions): Promise<RouteSpec[]> {
  return file === undefined ? [{ path: '/*', backend }] : readRoutesFile(file, dialects);
}

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
  /** Has a route of any reading the dialect, with this control path or (empty) without one? Connections of earlier ones may still be open. */
  readonly hasDialect: (name: string, controlPath: string) => boolean;
  /** As at the start: buffers are sized by it, and a later file does not change it. */
  readonly largestMessageBytes: number;
  readonly shortestSpanMs: number;
  /** The longest that any route waits for the answer to `open`. */
  readonly longestOpenMs: number;
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
  const dialects = new Map<string, Set<string>>();
  meet(specs);
  const largestMessageBytes = Math.max(...[options.defaults.limits, ...limits].map(({ maxMessageBytes }) => maxMessageBytes));

  function remember({ routes }: RouteTable): void {
    for (const { route } of routes) byName.set(route.name, route);
  }

  /** Which dialects there are, by their control paths. */
  function meet(read: readonly RouteSpec[]): void {
    for (const { dialect = DEFAULT_DIALECT, controlPath = '' } of read)
      dialects.set(controlPath, (dialects.get(controlPath) ?? new Set()).add(dialect));
  }

  async function reload(): Promise<string | null> {
    if (options.file === undefined) return 'there is no ROUTES_FILE to read again';
    try {
      const read = await readSpecs(options);
      const next = createRouteTable(read, options);
      if (next.routes.some(({ route }) => route.limits.maxMessageBytes > largestMessageBytes))
        return `maxMessageBytes over ${largestMessageBytes} is new, and what the servers take is settled at the start: restart for it`;
      meet(read);
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
    hasDialect: (name, controlPath) => dialects.get(controlPath)?.has(name) === true,
    largestMessageBytes,
    shortestSpanMs: Math.min(
      ...limits.flatMap(({ idleTimeoutMs, slowClientTimeoutMs }) => [idleTimeoutMs, slowClientTimeoutMs]).filter((span) => span > 0),
    ),
    longestOpenMs: Math.max(...limits.map(({ openTimeoutMs }) => openTimeoutMs)),
    reload: () => inTurn(reload),
    facts: specs.map(
      ({ path, dialect = DEFAULT_DIALECT, backend, controlPath }) =>
        `${path} ${dialect} ${withoutSecrets(backend)}${controlPath === undefined ? '' : ` under ${controlPath}`}`,
    ),
  };
}

async function readSpecs({ file, backend, dialects }: RoutingOptions): Promise<RouteSpec[]> {
  return file === undefined ? [{ path: '/*', backend }] : readRoutesFile(file, dialects);
}

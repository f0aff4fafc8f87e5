import type { Limits } from '../core/limits.ts';
import type { Route } from '../core/route.ts';
import { withoutSecrets } from '../config/without-secrets.ts';
import { DEFAULT_DIALECT } from '../dialects/index.ts';
import { readRoutesFile, RoutesFileError } from './file.ts';
import type { RouteSpec } from './spec.ts';
import { createRouteTable, type RouteTable, type RouteTableOptions } from './table.ts';

/** What the whole process is laid out for. */
export type Extremes = {
  readonly largestMessageBytes: number;
  /** The shortest silence, slowness or age that ends a client. */
  readonly shortestSpanMs: number;
  /** The longest wait for the answer to `open`. */
  readonly longestOpenMs: number;
};

export type Routing = {
  readonly find: RouteTable['find'];
  /** Also routes of earlier readings, which their connections keep. */
  readonly byName: (name: string) => Route | undefined;
  /** Has a route of any reading the dialect, with this control path or (empty) without one? Connections of earlier ones may still be open. */
  readonly hasDialect: (name: string, controlPath: string) => boolean;
  /** What the routes of a dialect say to its commands, by their names; also routes of earlier readings. */
  readonly controls: (dialect: string) => ReadonlyMap<string, object>;
  /** Of all routes of all readings: connections of earlier ones may still be open. */
  readonly extremes: () => Extremes;
  /** Reads ROUTES_FILE again: new connections use it, open ones keep theirs. Says what is wrong and changes nothing, or returns null. */
  readonly reload: () => Promise<string | null>;
  readonly facts: readonly string[];
};

export type RoutingOptions = RouteTableOptions & {
  /** Where there is no file, one route takes every path to it. */
  readonly backend: string;
};

/** The routes of this process. Throws a RoutesFileError. */
export async function createRouting(options: RoutingOptions): Promise<Routing> {
  const specs = await readSpecs(options);
  let table = await createRouteTable(specs, options);
  const byName = new Map<string, Route>();
  const controls = new Map<string, Map<string, object>>();
  let extremes = widened(NARROWEST, [options.defaults.limits]);
  remember(table);
  const dialects = new Map<string, Set<string>>();
  meet(specs);

  function remember({ routes, controls: told }: RouteTable): void {
    for (const { route } of routes) byName.set(route.name, route);
    for (const [dialect, name, control] of told) controls.set(dialect, (controls.get(dialect) ?? new Map()).set(name, control));
    extremes = widened(
      extremes,
      routes.map(({ route }) => route.limits),
    );
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
      const next = await createRouteTable(read, options);
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
    controls: (dialect) => controls.get(dialect) ?? NO_CONTROLS,
    extremes: () => extremes,
    reload: () => inTurn(reload),
    facts: specs.map(
      ({ path, dialect = DEFAULT_DIALECT, backend, controlPath }) =>
        `${path} ${dialect}${backend === undefined ? '' : ` ${withoutSecrets(backend)}`}${controlPath === undefined ? '' : ` under ${controlPath}`}`,
    ),
  };
}

const NO_CONTROLS: ReadonlyMap<string, object> = new Map();
const NARROWEST: Extremes = { largestMessageBytes: 0, shortestSpanMs: Infinity, longestOpenMs: 0 };

function widened({ largestMessageBytes, shortestSpanMs, longestOpenMs }: Extremes, all: readonly Limits[]): Extremes {
  const spans = all.flatMap(({ idleTimeoutMs, slowClientTimeoutMs, maxIdleMs, maxAgeMs }) => [
    idleTimeoutMs,
    slowClientTimeoutMs,
    maxIdleMs,
    maxAgeMs,
  ]);
  return {
    largestMessageBytes: Math.max(largestMessageBytes, ...all.map(({ maxMessageBytes }) => maxMessageBytes)),
    shortestSpanMs: Math.min(shortestSpanMs, ...spans.filter((span) => span > 0)),
    longestOpenMs: Math.max(longestOpenMs, ...all.map(({ openTimeoutMs }) => openTimeoutMs)),
  };
}

async function readSpecs({ file, backend, dialects }: RoutingOptions): Promise<RouteSpec[]> {
  return file === undefined ? [{ path: '/*', backend }] : readRoutesFile(file, dialects);
}

import type { Limits } from '../core/limits.ts';
import type { Route } from '../core/route.ts';
import { dirname } from 'node:path';
import { isModule, moduleUrl } from '../config/module-url.ts';
import { withoutSecrets } from '../config/without-secrets.ts';
import { BackendProblem } from '../wire/backend-problem.ts';
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
  /** Sets limits of connections from now on whose route has none of its own: open ones keep theirs. */
  readonly relimit: (changes: Partial<Limits>) => Promise<void>;
  /** Of a route that has none of its own. */
  readonly standardLimits: () => Limits;
  /** Reads ROUTES_FILE again: new connections use it, open ones keep theirs. Says what is wrong and changes nothing, or returns null. */
  readonly reload: () => Promise<string | null>;
  readonly facts: readonly string[];
};

/** Routes that somebody has checked already (`routes/checks`). */
export type GivenRoutes = { readonly specs: readonly RouteSpec[] };

export type RoutingOptions = RouteTableOptions & {
  /** Of a host, in place of a file. */
  readonly given?: GivenRoutes | null;
  /** Where there is neither, one route takes every path to it. */
  readonly backend: string;
};

/** The routes of this process. Throws a RoutesFileError. */
export async function createRouting(options: RoutingOptions): Promise<Routing> {
  const { file, given = null } = options;
  let specs = await readSpecs(options);
  let defaults = options.defaults;
  let table = await tableOf(specs);
  const byName = new Map<string, Route>();
  const controls = new Map<string, Map<string, object>>();
  let extremes = widened(NARROWEST, [defaults.limits]);
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

  /** A backend that cannot be used is a mistake of where it is named. */
  async function tableOf(read: readonly RouteSpec[]): Promise<RouteTable> {
    try {
      return await createRouteTable(read, { ...options, defaults });
    } catch (error) {
      if (!(error instanceof BackendProblem)) throw error;
      const place = given !== null ? 'routes' : (file ?? 'API_URI');
      throw new RoutesFileError([`${place}: ${error.message}`], { cause: error.cause });
    }
  }

  /** What is asked of the limits from now on is true at once; the routes follow in their turn. */
  function relimit(changes: Partial<Limits>): Promise<void> {
    defaults = { ...defaults, limits: { ...defaults.limits, ...changes } };
    extremes = widened(extremes, [defaults.limits]);
    return inTurn(async () => {
      table = await tableOf(specs);
      remember(table);
    });
  }

  async function reload(): Promise<string | null> {
    if (file === undefined) return 'there is no ROUTES_FILE to read again';
    try {
      const read = await readSpecs(options);
      const next = await tableOf(read);
      meet(read);
      specs = read;
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
    relimit,
    standardLimits: () => defaults.limits,
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

async function readSpecs({ file, given = null, backend, dialects }: RoutingOptions): Promise<readonly RouteSpec[]> {
  if (given !== null) return given.specs;
  if (file === undefined) return [{ path: '/*', backend }];
  const specs = await readRoutesFile(file, dialects);
  return specs.map((spec) => ({ ...spec, ...(spec.backend !== undefined && { backend: besideFile(spec.backend, file) }) }));
}

/** A module's path is relative to the file that names it. */
function besideFile(backend: string, file: string): string {
  return isModule(backend) ? (moduleUrl(backend, dirname(file))?.href ?? backend) : backend;
}

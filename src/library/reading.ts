import { handlersProblem, type Handlers } from '../backends/handlers/handlers.ts';
import { shown } from '../backends/handlers/frames.ts';
import { ConfigError } from '../config/config-error.ts';
import { loadConfig, type Config } from '../config/load.ts';
import { nearMisses } from '../config/near-misses.ts';
import { options as known } from '../config/options.ts';
import { DIALECTS } from '../dialects/index.ts';
import { reportProblems } from '../routes/problems.ts';
import type { RouteSpec } from '../routes/spec.ts';
import type { GivenHandlers } from './hosted.ts';
import type { GatewayOptions, HandlersFactory } from './surface.ts';

/** What a host says of its gateway, read and found right. */
export type Hosting = {
  readonly config: Config;
  readonly routes: { readonly specs: readonly RouteSpec[]; readonly handlers: GivenHandlers };
};

/** Options that mean nothing to a gateway in somebody else's process, and why. */
export type NotHere = Readonly<Record<string, string>>;

const OF_THE_PROGRAM: NotHere = {
  WORKERS: 'a gateway in your program is one process',
  ROUTES_FILE: 'routes are given as `routes`',
  API_URI: 'backends are given with `routes`',
  EXTENSIONS: 'your program has the gateway itself',
};

/** Throws a ConfigError with every mistake. `properties`: what may be given beside routes, options and logger; `notHere`: further options that may not. */
export function readHosting(
  given: GatewayOptions,
  { properties = [], notHere = {} }: { readonly properties?: readonly string[]; readonly notHere?: NotHere } = {},
): Hosting {
  if (typeof given !== 'object' || given === null) throw new ConfigError([`an object with routes was wanted, ${shown(given)} came`]);
  const problems: string[] = [];
  const names = ['routes', 'options', 'logger', ...properties];
  for (const name of Object.keys(given)) if (!names.includes(name)) problems.push(`${name}: is not known here; ${names.join(', ')} are`);
  const { logger } = given;
  for (const level of ['error', 'warn', 'info', 'debug'] as const)
    if (logger !== undefined && typeof Object(logger)[level] !== 'function') problems.push(`logger: must have a function ${level}`);
  const config = readOptions(given.options ?? {}, { ...OF_THE_PROGRAM, ...notHere }, problems);
  const routes = readRoutes(given.routes, problems);
  if (config === null || problems.length > 0) throw new ConfigError(problems);
  return { config, routes };
}

function readOptions(given: GatewayOptions['options'] & object, notHere: NotHere, problems: string[]): Config | null {
  if (typeof given !== 'object') {
    problems.push(`options: must be an object, ${shown(given)} came`);
    return null;
  }
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const why = Object.hasOwn(notHere, name) ? notHere[name] : undefined;
    if (why !== undefined) problems.push(`${name}: has no meaning here: ${why}`);
    else if (!Object.hasOwn(known, name)) problems.push(unknownOption(name));
    else if (!['string', 'number', 'boolean'].includes(typeof value))
      problems.push(`${name}: must be a number, a boolean or a text, ${shown(value)} came`);
    else texts[name] = textOf(name, value);
  }
  try {
    return loadConfig(texts, { isHosted: true }).config;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems);
    return null;
  }
}

function unknownOption(name: string): string {
  const [meant] = nearMisses([name], Object.keys(known));
  return meant === undefined ? `${name}: is no option (docs/configuration.md)` : `${name}: ${meant.slice(name.length + 1)}`;
}

/** A switch is `on` and `off`, or `true` and `false`. */
function textOf(name: string, value: string | number | boolean): string {
  const { enum: words } = Object(known[name as never]) as { enum?: readonly string[] };
  return typeof value === 'boolean' && words?.includes('on') === true ? (value ? 'on' : 'off') : String(value);
}

function readRoutes(given: unknown, problems: string[]): Hosting['routes'] {
  const handlers = new Map<string, Handlers | HandlersFactory>();
  const specs = Array.isArray(given) ? given.map((route: unknown, index) => withoutHandlers(route, index)) : given;
  reportProblems({ routes: specs }, DIALECTS, (path, wanted) => problems.push(`${path.join('.')}: ${wanted}`));
  return { specs: specs as RouteSpec[], handlers };

  /** In place of handlers stands a URL that names them. */
  function withoutHandlers(route: unknown, index: number): unknown {
    if (typeof route !== 'object' || route === null) return route;
    const { backend } = route as { readonly backend?: unknown };
    if (typeof backend === 'string' || backend === undefined) return withoutUndefined(route);
    const url = `module:///routes/${index}/backend`;
    const problem = typeof backend === 'function' ? null : handlersProblem(backend);
    if (problem !== null) problems.push(`routes.${index}.backend: ${problem}`);
    handlers.set(url, backend as Handlers | HandlersFactory);
    return withoutUndefined({ ...route, backend: url });
  }
}

/** In JavaScript what is undefined is as good as absent. */
function withoutUndefined(route: object): object {
  return Object.fromEntries(Object.entries(route).filter(([, value]) => value !== undefined));
}

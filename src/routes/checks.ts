import { MAX_TAGS, tagProblem } from '../core/tag-index.ts';
import findMyWay from 'find-my-way';
import { readers } from '../config/forms.ts';
import { isModule } from '../config/module-url.ts';
import { RESERVED_SEGMENTS } from '../wire/client-ids.ts';
import type { Dialects } from '../dialects/definition.ts';
import { DEFAULT_DIALECT } from '../dialects/index.ts';
import type { RouteSpec } from './spec.ts';

export type Path = readonly (string | number)[];
/** Where nothing is no value. */
const URLS = new Set(['backend', 'open']);
type Report = (path: Path, wanted: string) => void;
/** A route without what is reported already. */
export type Sound = { readonly [Name in keyof RouteSpec]?: RouteSpec[Name] | undefined };

/** Reports what a schema cannot judge. */
export function checkRoutes(routes: readonly Sound[], dialects: Dialects, report: Report): void {
  checkValues(routes, dialects, report);
  checkPaths(routes, dialects, report);
}

function checkValues(routes: readonly Sound[], dialects: Dialects, report: Report): void {
  for (const [index, route] of routes.entries()) {
    const definition = dialects[route.dialect ?? DEFAULT_DIALECT];
    const ownBackend = definition?.ownBackend;
    if (ownBackend !== undefined && route.backend !== undefined) {
      const problem = ownBackend.problemOf(route.backend);
      if (problem !== null) report(['routes', index, 'backend'], problem);
    }
    const texts: [string, string | undefined, keyof typeof readers][] = [
      ['backend', ownBackend === undefined ? route.backend : undefined, 'url'],
      ['open', (route as { readonly open?: string }).open, 'url'],
      ['backendHeaders', route.backendHeaders && JSON.stringify(route.backendHeaders), 'headers'],
      ['origins', route.origins?.join(','), 'origins'],
      ['forwardHeaders', route.forwardHeaders?.join(','), 'header-names'],
      ['jwtJwksUri', route.jwtJwksUri, 'key-set-url'],
      ['jwtClaimTags', route.jwtClaimTags?.join(','), 'claim-tags'],
    ];
    for (const [name, value, form] of texts) {
      if (value === undefined) continue;
      const isOfNoUse = URLS.has(name) && (value === '' || (name !== 'backend' && isModule(value)));
      const result = isOfNoUse ? 'must be a URL' : readers[form](value);
      if (typeof result === 'string') report(['routes', index, name], result);
    }
    if (route.backend !== undefined && isModule(route.backend) && definition !== undefined && definition.isOpaque !== true)
      report(
        ['routes', index, 'backend'],
        `code in the gateway cannot serve dialect ${definition.name}, whose messages are more than messages`,
      );
    if (route.duplicateId !== undefined && dialects[route.dialect ?? DEFAULT_DIALECT]?.hasClientIds === false)
      report(
        ['routes', index, 'duplicateId'],
        `has no meaning in dialect ${route.dialect ?? DEFAULT_DIALECT}, where the gateway gives the ids`,
      );
    const problem = controlPathProblem(route, dialects);
    if (problem !== null) report(['routes', index, 'controlPath'], problem);
    const { path } = route;
    if ('path' in route && !('backend' in route) && definition !== undefined && definition.needsBackend !== false)
      report(['routes', index], `must have a backend, as a route of dialect ${definition.name}`);
    if (path === undefined) continue;
    const parameters = parametersOf(path);
    if (parameters.some((name) => /^\d/.test(name)))
      report(['routes', index, 'path'], 'must name its parameters by a letter first: the last one counts, and numbers lose their place');
    const tags = Object.entries(route.tags ?? {});
    if (tags.length > MAX_TAGS) report(['routes', index, 'tags'], `may hold ${MAX_TAGS} tags, not ${tags.length}`);
    for (const [key, value] of tags) {
      const problem = tagProblem(new Map([[key, value]]));
      if (problem !== null) report(['routes', index, 'tags', key], problem);
      if (value.startsWith(':') && !parameters.includes(value.slice(1)))
        report(['routes', index, 'tags', key], `takes ${value}, a parameter that the path has not`);
    }
    for (const { at, wanted } of definition?.checkRoute({ ...route, path }) ?? []) report(['routes', index, ...at], wanted);
  }
}

function controlPathProblem({ controlPath, dialect = DEFAULT_DIALECT }: Sound, dialects: Dialects): string | null {
  if (controlPath === undefined) return null;
  if (dialects[dialect]?.hasClientIds === false) return `has no meaning in dialect ${dialect}, where the gateway gives the ids`;
  const segment = controlPath.slice(1);
  if (segment === '.' || segment === '..') return 'must not be a dot segment: URLs lose it on their way';
  const isReserved =
    RESERVED_SEGMENTS.has(segment) || Object.values(dialects).some(({ reservedSegments }) => reservedSegments.includes(segment));
  return isReserved ? `must be another one: ${segment} is a word of the control API` : null;
}

function checkPaths(routes: readonly Sound[], dialects: Dialects, report: Report): void {
  const router = findMyWay();
  const owners = new Map<string, number>();
  for (const [index, { path, dialect = DEFAULT_DIALECT, controlPath }] of routes.entries()) {
    try {
      if (path !== undefined) router.on('GET', path, () => {});
    } catch (error) {
      report(['routes', index, 'path'], `cannot be routed: ${(error as Error).message}`);
    }
    if (dialects[dialect]?.hasClientIds !== true) continue;
    const owned = controlPath ?? dialect; // a control path begins with a slash
    const owner = owners.get(owned);
    if (owner === undefined) owners.set(owned, index);
    else if (controlPath !== undefined)
      report(['routes', index, 'controlPath'], `another route (routes.${owner}) owns ${controlPath}: each must have its own`);
    else
      report(
        ['routes', index, 'dialect'],
        `another route of dialect ${dialect} (routes.${owner}) owns the control paths of its client-chosen ids; this one must have a controlPath, such as /tenant-a`,
      );
  }
}

function parametersOf(path: string): string[] {
  return [...path.matchAll(/:([A-Za-z0-9_]+)/g)].map((match) => match[1] ?? '');
}

import { Errors } from 'typebox/value';
import type { Dialects } from '../dialects/definition.ts';
import { checkRoutes, type Path } from './checks.ts';
import { routesSchemaWith, type RouteSpec } from './spec.ts';

/** Reports everything that is wrong with what is to be `{ routes: [...] }`. */
export function reportProblems(content: unknown, dialects: Dialects, report: (path: Path, wanted: string) => void): void {
  const broken = new Set<string>();
  for (const { instancePath, message, params } of Errors(routesSchemaWith(dialects), content)) {
    if ('additionalProperties' in params) continue; // each of them is reported on its own, at its own place
    const path = instancePath.split('/').slice(1).map(segmentOf);
    broken.add(path.slice(0, 3).join('.'));
    report(path, wanted(message, params));
  }
  checkRoutes(soundRoutes(content, broken), dialects, report);
}

/** A segment of a JSON pointer (RFC 6901 §4), a number where it is one. */
function segmentOf(segment: string): string | number {
  return /^\d+$/.test(segment) ? Number(segment) : segment.replaceAll('~1', '/').replaceAll('~0', '~');
}

/** The routes at their places, each with those properties only that the schema finds nothing wrong with. */
function soundRoutes(content: unknown, broken: ReadonlySet<string>): Partial<RouteSpec>[] {
  const { routes } = Object(content) as { routes?: unknown };
  if (!Array.isArray(routes)) return [];
  return routes.map((route: unknown, index) => {
    const isBroken = (name: string): boolean => broken.has(`routes.${index}.${name}`);
    const sound = Object.entries(Object(route) as object).filter(([name]) => !isBroken(name));
    return { ...Object.fromEntries(sound), ...(isBroken('dialect') && { dialect: '' }) }; // not the default one: none
  });
}

function wanted(message: string, params: object): string {
  const { allowedValues } = params as { allowedValues?: string[] };
  if (allowedValues) return `must be one of ${allowedValues.join(', ')}`;
  return message === 'schema is false' ? 'is not known here' : message;
}

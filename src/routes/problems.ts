import { Errors } from 'typebox/value';
import type { Dialects } from '../dialects/definition.ts';
import { checkRoutes, type Path, type Sound } from './checks.ts';
import { routesSchemaWith } from './spec.ts';

/** Reports everything that is wrong with what is to be `{ routes: [...] }`. */
export function reportProblems(content: unknown, dialects: Dialects, report: (path: Path, wanted: string) => void): void {
  const broken: Path[] = [];
  for (const { instancePath, message, params } of Errors(routesSchemaWith(dialects), content)) {
    if ('additionalProperties' in params) continue; // each of them is reported on its own, at its own place
    const path = instancePath.split('/').slice(1).map(segmentOf);
    broken.push(path);
    report(path, wanted(message, params));
  }
  checkRoutes(soundRoutes(content, broken), dialects, report);
}

/** A segment of a JSON pointer (RFC 6901 §4), a number where it is one. */
function segmentOf(segment: string): string | number {
  return /^\d+$/.test(segment) ? Number(segment) : segment.replaceAll('~1', '/').replaceAll('~0', '~');
}

/** The routes at their places in the file; what the schema finds wrong with them is there, and undefined. */
function soundRoutes(content: unknown, broken: readonly Path[]): Sound[] {
  const { routes } = Object(content) as { routes?: unknown };
  if (!Array.isArray(routes)) return [];
  const sound = routes.map((route: unknown) => structuredClone(Object(route)) as Record<string, unknown>);
  for (const [, index = -1, ...path] of broken) {
    const route = sound[Number(index)];
    if (route !== undefined && path.length > 0) takeOut(route, path);
    if (path[0] === 'dialect') Object.assign(route ?? {}, { dialect: '' }); // not the default one: none
  }
  return sound;
}

function takeOut(from: Record<string | number, unknown>, [name = '', ...rest]: Path): void {
  if (typeof from !== 'object' || from === null || !Object.hasOwn(from, name)) return;
  if (rest.length === 0) from[name] = undefined;
  else takeOut(from[name] as Record<string | number, unknown>, rest);
}

function wanted(message: string, params: object): string {
  const { allowedValues } = params as { allowedValues?: string[] };
  if (allowedValues) return `must be one of ${allowedValues.join(', ')}`;
  return message === 'schema is false' ? 'is not known here' : message;
}

import { readFile } from 'node:fs/promises';
import findMyWay from 'find-my-way';
import { Errors } from 'typebox/value';
import type { Document, LineCounter } from 'yaml';
import type { Dialects } from '../dialects/definition.ts';
import { DEFAULT_DIALECT, DIALECTS } from '../dialects/index.ts';
import { readers } from '../config/forms.ts';
import { routesSchemaWith, type RouteSpec } from './spec.ts';

/** Everything that is wrong with a routes file: file, line, path in it, what was wanted. */
export class RoutesFileError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'RoutesFileError';
    this.problems = problems;
  }
}

type Path = readonly (string | number)[];

/** Reads ROUTES_FILE. Throws a RoutesFileError that lists every mistake. */
export async function readRoutesFile(file: string, dialects: Dialects = DIALECTS): Promise<RouteSpec[]> {
  const { parseDocument, LineCounter, visit } = await import('yaml');
  const lines = new LineCounter();
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new RoutesFileError([`ROUTES_FILE ${file}: ${(error as Error).message}`]);
  });
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    throw new RoutesFileError(document.errors.map(({ pos, message }) => `${file}:${lines.linePos(pos[0]).line}: ${message}`));
  }
  const problems: string[] = [];
  visit(document, {
    Alias(_key, alias) {
      if (alias.resolve(document) === undefined)
        problems.push(`${file}:${lines.linePos(alias.range?.[0] ?? 0).line}: *${alias.source}: no anchor of this name is above it`);
    },
  });
  if (problems.length > 0) throw new RoutesFileError(problems);
  const content = contentOf(document, file);
  const report = (path: Path, wanted: string): void => {
    problems.push(`${file}:${lineOf(document, lines, path)}: ${path.length === 0 ? 'the file' : path.join('.')}: ${wanted}`);
  };
  for (const { instancePath, message, params } of Errors(routesSchemaWith(dialects), content)) {
    if ('additionalProperties' in params) continue; // each of them is reported on its own, at its own line
    const path = instancePath
      .split('/')
      .slice(1)
      .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
    report(path, wanted(message, params));
  }
  if (problems.length > 0) throw new RoutesFileError(problems);
  const { routes } = content as { routes: RouteSpec[] };
  checkValues(routes, dialects, report);
  checkPaths(routes, dialects, report);
  if (problems.length > 0) throw new RoutesFileError(problems);
  return routes;
}

/** Aliases may multiply without end: `yaml` stops at some point, by an exception. */
function contentOf(document: Document, file: string): unknown {
  try {
    return document.toJS();
  } catch (error) {
    throw new RoutesFileError([`${file}:1: the file: ${(error as Error).message}`]);
  }
}

function wanted(message: string, params: object): string {
  const { allowedValues } = params as { allowedValues?: string[] };
  if (allowedValues) return `must be one of ${allowedValues.join(', ')}`;
  return message === 'schema is false' ? 'is not known here' : message;
}

/** The line where the node begins, or where the nearest one around it does. */
function lineOf(document: Document, lines: LineCounter, path: Path): number {
  for (let length = path.length; length >= 0; length -= 1) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    const range = (node as { range?: [number, number, number] } | null | undefined)?.range;
    if (range) return lines.linePos(range[0]).line;
  }
  return 1;
}

function checkValues(routes: readonly RouteSpec[], dialects: Dialects, report: (path: Path, wanted: string) => void): void {
  for (const [index, route] of routes.entries()) {
    const texts: [keyof RouteSpec, string | undefined, keyof typeof readers][] = [
      ['backend', route.backend, 'url'],
      ['backendHeaders', route.backendHeaders && JSON.stringify(route.backendHeaders), 'headers'],
      ['origins', route.origins?.join(','), 'origins'],
      ['forwardHeaders', route.forwardHeaders?.join(','), 'header-names'],
    ];
    for (const [name, value, form] of texts) {
      if (value === undefined) continue;
      const result = value === '' && name === 'backend' ? 'must be a URL' : readers[form](value);
      if (typeof result === 'string') report(['routes', index, name], result);
    }
    if (route.duplicateId !== undefined && dialects[route.dialect ?? DEFAULT_DIALECT]?.hasClientIds === false)
      report(
        ['routes', index, 'duplicateId'],
        `has no meaning in dialect ${route.dialect ?? DEFAULT_DIALECT}, where the gateway gives the ids`,
      );
    const parameters = parametersOf(route.path);
    if (parameters.some((name) => /^\d/.test(name)))
      report(['routes', index, 'path'], 'must name its parameters by a letter first: the last one counts, and numbers lose their place');
    for (const [key, value] of Object.entries(route.tags ?? {})) {
      if (value.startsWith(':') && !parameters.includes(value.slice(1)))
        report(['routes', index, 'tags', key], `takes ${value}, a parameter that the path has not`);
    }
    for (const { at, wanted: problem } of dialects[route.dialect ?? DEFAULT_DIALECT]?.checkRoute(route) ?? [])
      report(['routes', index, at], problem);
  }
}

function checkPaths(routes: readonly RouteSpec[], dialects: Dialects, report: (path: Path, wanted: string) => void): void {
  const router = findMyWay();
  const owners = new Map<string, number>();
  for (const [index, { path, dialect = DEFAULT_DIALECT }] of routes.entries()) {
    try {
      router.on('GET', path, () => {});
    } catch (error) {
      report(['routes', index, 'path'], `cannot be routed: ${(error as Error).message}`);
    }
    if (dialects[dialect]?.hasClientIds !== true) continue;
    const owner = owners.get(dialect);
    if (owner === undefined) owners.set(dialect, index);
    else
      report(
        ['routes', index, 'dialect'],
        `another route of dialect ${dialect} (routes.${owner}) owns the control paths of its client-chosen ids`,
      );
  }
}

export function parametersOf(path: string): string[] {
  return [...path.matchAll(/:([A-Za-z0-9_]+)/g)].map((match) => match[1] ?? '');
}

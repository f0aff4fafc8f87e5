import { readFile } from 'node:fs/promises';
import type { Document, LineCounter } from 'yaml';
import type { Dialects } from '../dialects/definition.ts';
import { DIALECTS } from '../dialects/index.ts';
import { decodeText } from '../config/text-file.ts';
import type { Path } from './checks.ts';
import { reportProblems } from './problems.ts';
import type { RouteSpec } from './spec.ts';

/** Everything that is wrong with a routes file: file, line, path in it, what was wanted. */
export class RoutesFileError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[], options?: ErrorOptions) {
    super(problems.join('\n'), options);
    this.name = 'RoutesFileError';
    this.problems = problems;
  }
}

/** Reads ROUTES_FILE. Throws a RoutesFileError that lists every mistake. */
export async function readRoutesFile(file: string, dialects: Dialects = DIALECTS): Promise<RouteSpec[]> {
  const { parseDocument, LineCounter, visit } = await import('yaml');
  const lines = new LineCounter();
  const document = parseDocument(await textOf(file), { lineCounter: lines, prettyErrors: false });
  const problems = document.errors.map(({ pos, message }) => `${file}:${lines.linePos(pos[0]).line}: ${message}`);
  const isReadable = document.errors.every(({ code }) => code === 'DUPLICATE_KEY'); // what other mistakes of YAML leave is guesswork
  visit(document, {
    Alias(_key, alias) {
      if (alias.resolve(document) === undefined)
        problems.push(`${file}:${lines.linePos(alias.range?.[0] ?? 0).line}: *${alias.source}: no anchor of this name is above it`);
    },
  });
  if (!isReadable || problems.length > document.errors.length) throw new RoutesFileError(problems);
  const content = contentOf(document, file);
  const report = (path: Path, wanted: string): void => {
    problems.push(`${file}:${lineOf(document, lines, path)}: ${path.length === 0 ? 'the file' : path.join('.')}: ${wanted}`);
  };
  reportProblems(content, dialects, report);
  if (problems.length > 0) throw new RoutesFileError(problems);
  return (content as { routes: RouteSpec[] }).routes;
}

async function textOf(file: string): Promise<string> {
  try {
    return decodeText(await readFile(file));
  } catch (error) {
    throw new RoutesFileError([`ROUTES_FILE ${file}: ${(error as Error).message}`]);
  }
}

/** Aliases may multiply without end: `yaml` stops at some point, by an exception. */
function contentOf(document: Document, file: string): unknown {
  try {
    return document.toJS();
  } catch (error) {
    throw new RoutesFileError([`${file}:1: the file: ${(error as Error).message}`]);
  }
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

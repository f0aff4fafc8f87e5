/** What a route selection expression makes of a client's message: the key of a route, if there is one of that name. */
export type Selection = (body: unknown) => string;

type Segment = string | number;
type Part = { readonly type: 'text'; readonly text: string } | { readonly type: 'path'; readonly path: readonly Segment[] };

const VARIABLE = 'request.body';
/** One step of a JSONPath: a field, an index, or a field in brackets. In braces a name may have any character but `.`, `[` and `}`. */
const BARE_STEP = /\.([A-Za-z0-9_-]+)|\[(\d{1,9})\]|\['([^']*)'\]|\["([^"]*)"\]/y;
const BRACED_STEP = /\.([^.[\]{}'"$]+)|\[(\d{1,9})\]|\['([^']*)'\]|\["([^"]*)"\]/y;
/** Levels of arrays within arrays that become text. */
const MOST_LEVELS = 8;

/**
 * Reads an expression such as `$request.body.action` or `${request.body.a.b}-${request.body.c}`; `\$` is a dollar sign. A
 * result that is no text says what is wrong. What a path does not find is empty text; nothing is evaluated twice.
 */
export function readSelection(expression: string): Selection | SelectionProblem {
  const parts = partsOf(expression);
  if ('problem' in parts) return parts;
  if (parts.length === 0) return { problem: 'must not be empty; the usual one is $request.body.action' };
  const [first, second] = parts;
  if (second === undefined && first?.type === 'path') return (body) => textOf(found(body, first.path));
  return (body) => parts.map((part) => (part.type === 'text' ? part.text : textOf(found(body, part.path)))).join('');
}

export type SelectionProblem = { readonly problem: string };

function partsOf(expression: string): Part[] | SelectionProblem {
  const parts: Part[] = [];
  let text = '';
  let at = 0;
  while (at < expression.length) {
    if (expression.startsWith('\\$', at)) {
      text += '$';
      at += 2;
    } else if (expression[at] === '$') {
      const isBraced = expression[at + 1] === '{';
      const read = readPath(expression, at + (isBraced ? 2 : 1), isBraced);
      if ('problem' in read) return read;
      if (text !== '') parts.push({ type: 'text', text });
      text = '';
      parts.push({ type: 'path', path: read.path });
      at = read.end;
    } else {
      text += expression[at];
      at += 1;
    }
  }
  if (text !== '') parts.push({ type: 'text', text });
  return parts;
}

function readPath(
  expression: string,
  start: number,
  isBraced: boolean,
): { readonly path: readonly Segment[]; readonly end: number } | SelectionProblem {
  if (!expression.startsWith(VARIABLE, start))
    return { problem: `may name $${VARIABLE}.<field> only, as messages have nothing else; a dollar sign of its own is written \\$` };
  const step = isBraced ? BRACED_STEP : BARE_STEP;
  const path: Segment[] = [];
  let end = start + VARIABLE.length;
  for (;;) {
    step.lastIndex = end;
    const match = step.exec(expression);
    if (match === null) break;
    const [, name, index, single, double] = match;
    path.push(index === undefined ? (name ?? single ?? double ?? '') : Number(index));
    end = step.lastIndex;
  }
  if (path.length === 0) return { problem: `must name a field behind ${VARIABLE}, such as $${VARIABLE}.action` };
  if (isBraced && expression[end] !== '}')
    return { problem: `must close \${ by } behind a path of fields (.name, ['name']) and indices ([0]); other JSONPath is not served` };
  if (!isBraced && expression[end] === '[')
    return { problem: "may have indices ([0]) and fields (['name']) in brackets; other JSONPath is not served" };
  return { path, end: isBraced ? end + 1 : end };
}

/** Own properties only: what an object has by nature is not in a message. */
function found(body: unknown, path: readonly Segment[]): unknown {
  let value = body;
  for (const segment of path) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) !== (typeof segment === 'number')) return undefined;
    if (!Object.hasOwn(value, segment)) return undefined;
    value = (value as Record<Segment, unknown>)[segment];
  }
  return value;
}

/** Text as it is, an array as `[item1, item2]`, nothing and null as empty text. */
function textOf(value: unknown, level = 0): string {
  if (typeof value === 'string') return value;
  if (value === undefined || value === null || level > MOST_LEVELS) return '';
  if (Array.isArray(value)) return `[${value.map((item) => textOf(item, level + 1)).join(', ')}]`;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : shallow(value);
}

/** No route is called like an object; what is nested without end must not end the process. */
function shallow(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return '';
  }
}

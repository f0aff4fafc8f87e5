/** A variable of Serverless in a text: from `start` to before `end`, with its sources in the order of their precedence. */
export type Variable = { readonly start: number; readonly end: number; readonly sources: readonly string[] };

/** `name:`, `name(…)` or a literal; `${AWS::Region}` and `${LogicalId}` are CloudFormation's. */
const OURS = /\s{0,9}(?:[a-zA-Z]{1,40}(?:\(|:(?!:))|['"]|\$\{)/y;

/** The outermost variables of a text. What is nested in them is in their sources as it is. Linear in the text. */
export function variablesIn(text: string): Variable[] {
  const found: Variable[] = [];
  for (let start = text.indexOf('${'); start >= 0; start = text.indexOf('${', start)) {
    OURS.lastIndex = start + 2;
    if (!OURS.test(text)) {
      start += 2; // what is inside of CloudFormation's may be ours
      continue;
    }
    const end = endOf(text, start + 2);
    if (end < 0) break;
    found.push({ start, end, sources: sourcesIn(text.slice(start + 2, end - 1)) });
    start = end;
  }
  return found;
}

/** Behind the brace that closes the variable whose inside begins here; -1: none does. */
function endOf(text: string, from: number): number {
  let depth = 1;
  let quote = '';
  for (let at = from; at < text.length; at += 1) {
    const character = text[at] ?? '';
    if (quote !== '') {
      if (character === quote) quote = '';
    } else if (isQuote(text, at)) quote = character;
    else if (text.startsWith('${', at)) depth += 1;
    else if (character === '}') depth -= 1;
    if (depth === 0) return at + 1;
  }
  return -1;
}

/** A literal begins a source; elsewhere it is an apostrophe. */
function isQuote(text: string, at: number): boolean {
  return (text[at] === "'" || text[at] === '"') && /[\s,({]/.test(text[at - 1] ?? ' ');
}

/** Split at the commas that stand outside of quotes, parentheses and nested variables. */
function sourcesIn(inside: string): string[] {
  const sources: string[] = [];
  let quote = '';
  let depth = 0;
  let start = 0;
  for (let at = 0; at < inside.length; at += 1) {
    const character = inside[at] ?? '';
    if (quote !== '') {
      if (character === quote) quote = '';
    } else if (isQuote(inside, at)) quote = character;
    else if (character === '(' || character === '{') depth += 1;
    else if (character === ')' || character === '}') depth -= 1;
    else if (character === ',' && depth === 0) {
      sources.push(inside.slice(start, at).trim());
      start = at + 1;
    }
  }
  sources.push(inside.slice(start).trim());
  return sources;
}

/** One source: a literal, or where to look. */
export type Source =
  | { readonly type: 'literal'; readonly value: string | number | boolean | null }
  | { readonly type: 'look'; readonly name: string; readonly parameters: string; readonly address: string };

/** Reads a source whose nested variables are resolved already; null: it is none. */
export function sourceOf(text: string): Source | null {
  const [, , quoted] = /^(['"])(.*)\1$/s.exec(text) ?? [];
  if (quoted !== undefined) return { type: 'literal', value: quoted };
  if (text === 'true' || text === 'false') return { type: 'literal', value: text === 'true' };
  if (text === 'null' || text === '') return { type: 'literal', value: null };
  if (/^-?\d+(?:\.\d+)?$/.test(text)) return { type: 'literal', value: Number(text) };
  const [, name, parameters = '', address = ''] = /^([a-zA-Z]+)(?:\(([^)]*)\))?(?::(.*))?$/s.exec(text) ?? [];
  return name === undefined ? null : { type: 'look', name, parameters, address };
}

import type { Variables } from './entries.ts';

type Place = { readonly scope: 'tag' | 'json'; readonly name: string; readonly standard: string };

/** The name of a stream, or a routing key, with places that each event fills. */
export type NameTemplate = {
  readonly parts: readonly (string | Place)[];
  /** With nothing but defaults in its places. */
  readonly standard: string;
  readonly isConstant: boolean;
};

/** A short string of AMQP 0-9-1 has no more; names in Redis keep to it, too. */
export const MAX_NAME_BYTES = 255;
/** What fills a place that has no default, where an event has no such value. */
const NOTHING = '_';

const PLACE = /^(tag|json)\.([^:{}]+)(?::([^{}]*))?$/;

/** Reads `events-{tag.room:none}`; a text says what is wrong. */
export function readNameTemplate(text: string): NameTemplate | string {
  const parts: (string | Place)[] = [];
  let at = 0;
  while (at < text.length) {
    const start = text.indexOf('{', at);
    const plain = text.slice(at, start < 0 ? undefined : start);
    if (plain.includes('}')) return `has a } without a { before it`;
    if (plain !== '') parts.push(plain);
    if (start < 0) break;
    const end = text.indexOf('}', start);
    const [, scope, name, standard = NOTHING] = PLACE.exec(text.slice(start + 1, end < 0 ? start + 1 : end)) ?? [];
    if (scope === undefined || name === undefined)
      return `must hold places such as {tag.NAME:default} or {json.NAME:default}; ${JSON.stringify(text.slice(start, start + 40))} is none`;
    parts.push({ scope: scope as Place['scope'], name, standard });
    at = end + 1;
  }
  const standard = parts.map((part) => (typeof part === 'string' ? part : part.standard)).join('');
  if (Buffer.byteLength(standard) > MAX_NAME_BYTES) return `may have ${MAX_NAME_BYTES} bytes`;
  return { parts, standard, isConstant: parts.every((part) => typeof part === 'string') };
}

/** The variables of the JSON that a template asks for. */
export function jsonVariablesOf({ parts }: NameTemplate): string[] {
  return parts.flatMap((part) => (typeof part !== 'string' && part.scope === 'json' ? [part.name] : []));
}

/** The name for an event. One that would be too long is the standard one. */
export function filled({ parts, standard }: NameTemplate, variables: Variables): string {
  let name = '';
  for (const part of parts) name += typeof part === 'string' ? part : (variables[part.scope](part.name) ?? part.standard);
  return Buffer.byteLength(name) > MAX_NAME_BYTES ? standard : name.toWellFormed();
}

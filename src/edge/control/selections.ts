import { isUtf8 } from 'node:buffer';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Answers, Description, ListCursor, Query } from '../../core/commands.ts';
import { describedAs } from '../../wire/description.ts';
import { GatewayError } from '../../wire/errors.ts';
import type { Message, TagChanges } from '../../core/events.ts';
import { bodyOf, messageOf } from '../../wire/http-messages.ts';
import type { Selector } from '../../core/selector.ts';
import { parametersOf, queryOf } from '../../wire/parameters.ts';
import { CLOSING_NAMES, closingIn, selectorIn, sendable } from '../../wire/selection-queries.ts';
import { readTagChanges } from '../../wire/tag-changes.ts';
import { closeAllSchema, countSchema, sendSchema, setTagsSchema, statusSchema, treeSchema } from './selection-schemas.ts';

export type SelectionsOptions = {
  readonly query: (query: Query) => Promise<Answers>;
  readonly wsUri: (id: string, controlPath: string) => string;
  /** May grow with time. */
  readonly maxMessageBytes: () => number;
};

const STANDARD_PAGE = 1_000;
const LARGEST_PAGE = 10_000;

/** Commands on many connections at once, and what there is (docs/selections.md#requests). Answers speak for all processes and nodes. */
export async function selectionRoutes(server: FastifyInstance, { query, wsUri, maxMessageBytes }: SelectionsOptions): Promise<void> {
  server.post('/send', { schema: sendSchema }, async (request, reply) => {
    const message = toSend(request);
    return counted(request, reply, await query({ type: 'send', selector: selectorOf(request), message }));
  });

  server.post('/settags', { schema: setTagsSchema }, async (request, reply) => {
    const answers = await query({ type: 'set-tags', selector: selectorOf(request), changes: changesOf(request) });
    const problem = answers.parts.find((part) => part.problem !== null)?.problem;
    if (problem && sum(answers, 'sent') === 0) throw new GatewayError('BAD_REQUEST', `no connection was changed: ${problem}`);
    return counted(request, reply, answers);
  });

  server.post('/close', { schema: closeAllSchema }, async (request, reply) => {
    const parameters = queryOf(request);
    const selector = selectorIn(parameters, CLOSING_NAMES);
    const { code, reason } = closingIn(parameters);
    const farewell = bodyOf(request).length === 0 ? null : toSend(request);
    return counted(request, reply, await query({ type: 'close-all', selector, farewell, code, reason }));
  });

  server.get('/count', { schema: countSchema }, async (request, reply) => {
    const answers = await query({ type: 'count', selector: selectorOf(request) });
    return text(reply, answers, String(sum(answers, 'matched')));
  });

  server.get('/tree', { schema: treeSchema }, async (request, reply) => {
    parametersOf(request, []);
    const answers = await query({ type: 'tree' });
    const tree = mergedTree(answers);
    if (wantsJson(request)) return mark(reply, answers).send(tree);
    const lines = Object.keys(tree)
      .toSorted()
      .map(
        (key) =>
          `${key}: ${Object.keys(tree[key] ?? {})
            .toSorted()
            .join(' ')}\n`,
      );
    return text(reply, answers, lines.join(''));
  });

  server.get('/status', { schema: statusSchema }, async (request, reply) => {
    const parameters = parametersOf(request, ['limit', 'cursor']);
    const isJson = wantsJson(request);
    const limit = limitOf(parameters.get('limit'), isJson ? STANDARD_PAGE : Infinity);
    const answers = await query({ type: 'list', after: cursorOf(parameters.get('cursor')), limit });
    const all = answers.parts
      .flatMap(({ owner, list }) => (list ?? []).map((one) => ({ ...one, owner })))
      .toSorted((a, b) => (a.owner === b.owner ? a.serial - b.serial : a.owner < b.owner ? -1 : 1));
    const page = all.slice(0, limit === Infinity ? undefined : limit);
    if (!isJson) return text(reply, answers, page.map(statusLine).join(''));
    const last = page.at(-1);
    const connections = page.map((one) => describedAs(one, wsUri));
    return mark(reply, answers).send({ connections, next: page.length === limit && last ? `${last.owner}.${last.serial}` : null });
  });

  for (const path of ['/send', '/settags', '/close']) server.allowOnly(path, ['POST']);
  for (const path of ['/count', '/tree', '/status']) server.allowOnly(path, ['GET']);

  function toSend(request: FastifyRequest): Message {
    return sendable(messageOf(request), maxMessageBytes());
  }
}

function counted(request: FastifyRequest, reply: FastifyReply, answers: Answers): FastifyReply {
  if (!wantsJson(request)) return text(reply, answers, String(sum(answers, 'sent')));
  const nodes = byNode(answers);
  return mark(reply, answers).send({
    matched: sum(answers, 'matched'),
    sent: sum(answers, 'sent'),
    failed: sum(answers, 'failed'),
    nodes,
    unreachable: answers.unreachable,
  });
}

/** An answer that lacks a node says so, also as text. */
function mark(reply: FastifyReply, { unreachable }: Answers): FastifyReply {
  return unreachable.length === 0 ? reply : reply.header('WS-Incomplete', unreachable.join(', '));
}

function text(reply: FastifyReply, answers: Answers, body: string): FastifyReply {
  return mark(reply, answers).header('content-type', 'text/plain; charset=utf-8').send(body);
}

/** The workers of a node count as one. */
function byNode({ parts }: Answers): { node: string; matched: number; sent: number; failed: number }[] {
  const nodes = new Map<string, { node: string; matched: number; sent: number; failed: number }>();
  for (const { node, matched, sent, failed } of parts) {
    const counts = nodes.get(node) ?? { node, matched: 0, sent: 0, failed: 0 };
    nodes.set(node, { node, matched: counts.matched + matched, sent: counts.sent + sent, failed: counts.failed + failed });
  }
  return [...nodes.values()];
}

function sum({ parts }: Answers, field: 'matched' | 'sent' | 'failed'): number {
  return parts.reduce((total, part) => total + part[field], 0);
}

function bare<Value>(): Record<string, Value> {
  return Object.create(null) as Record<string, Value>;
}

function mergedTree({ parts }: Answers): Record<string, Record<string, number>> {
  const merged = bare<Record<string, number>>(); // its keys are a stranger's words
  for (const { tree } of parts) {
    for (const [key, values] of Object.entries(tree ?? {})) {
      const counts = (merged[key] ??= bare<number>());
      for (const [value, count] of Object.entries(values)) counts[value] = (counts[value] ?? 0) + count;
    }
  }
  return merged;
}

function wantsJson(request: FastifyRequest): boolean {
  return /\bapplication\/json\b/i.test(request.headers.accept ?? '');
}

function selectorOf(request: FastifyRequest): Selector {
  return selectorIn(queryOf(request));
}

/** `text/plain` is what many clients say of any string. */
const URLENCODED = /^(application\/x-www-form-urlencoded|text\/plain)(;|\s|$)/i;

function changesOf(request: FastifyRequest): TagChanges {
  const body = bodyOf(request);
  const type = request.headers['content-type'];
  const text = isUtf8(body) ? body.toString().trim() : '';
  if (text === '' || (type !== undefined && !URLENCODED.test(type)))
    throw new GatewayError(
      'BAD_REQUEST',
      `the body must be tags as application/x-www-form-urlencoded in UTF-8, such as room=1&seen=; ${came(body, type)} came`,
    );
  const changes = readTagChanges(text);
  if (typeof changes === 'string') throw new GatewayError('BAD_REQUEST', changes);
  return changes;
}

function came(body: Buffer, type: string | undefined): string {
  return body.length === 0 ? 'none' : `${body.length} bytes of ${JSON.stringify(type?.slice(0, 80) ?? 'no type')}`;
}

function limitOf(value: string | null, standard: number): number {
  if (value === null) return standard;
  const limit = numberIn(value);
  if (Number.isNaN(limit) || limit < 1 || limit > LARGEST_PAGE)
    throw new GatewayError('BAD_REQUEST', `limit must be a number from 1 to ${LARGEST_PAGE}`);
  return limit;
}

/** Digits only: `1e3`, `0x10` and blanks are numbers to JavaScript alone. */
function numberIn(text: string): number {
  return /^\d{1,9}$/.test(text) ? Number(text) : NaN;
}

function cursorOf(value: string | null): ListCursor | null {
  if (value === null || value === '') return null;
  const match = /^([\w-]{6})\.(\d{1,15})$/.exec(value);
  if (match === null) throw new GatewayError('BAD_REQUEST', 'cursor must be the `next` of an earlier answer');
  return { owner: match[1] ?? '', serial: Number(match[2]) };
}

/** One line a connection: `id=… key=value …`; what would break the line is percent-encoded. */
export function statusLine({ id, tags }: Description): string {
  const pairs = Object.entries(tags).map(([key, value]) => ` ${escaped(key)}=${escaped(value)}`);
  return `id=${escaped(id)}${pairs.join('')}\n`;
}

function escaped(text: string): string {
  return text.replaceAll(/[\s%=\p{Cc}]/gu, (character) => encodeURIComponent(character));
}

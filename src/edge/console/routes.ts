import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Answers, ListCursor, Query } from '../../core/commands.ts';
import type { Clock } from '../../core/ports.ts';
import type { Question } from '../../core/sightings.ts';
import { describedAs } from '../../wire/description.ts';
import { GatewayError } from '../../wire/errors.ts';
import { parametersOf } from '../../wire/parameters.ts';
import { readTagChanges } from '../../wire/tag-changes.ts';
import { EventStream } from './event-stream.ts';
import { pageOf } from './found.ts';
import type { ShownPayloads } from './payloads.ts';
import { endsSchema, eventsSchema, failuresSchema, searchSchema } from './schemas.ts';
import { sightingsOf, Watcher } from './watcher.ts';

export type ConsoleOptions = {
  readonly query: (query: Query) => Promise<Answers>;
  readonly clock: Clock;
  readonly wsUri: (id: string, controlPath: string) => string;
  readonly version: string;
  readonly node: string;
  readonly payloads: ShownPayloads;
  /** Those that watch by this process; filled and emptied here. */
  readonly watchers: Set<Watcher>;
  /** Those that may watch this process at once. */
  readonly maxWatchers: number;
};

/** What the console and `wsaas tail` ask (docs/console.md#requests). Answers speak for all processes and nodes. */
export async function consoleRoutes(server: FastifyInstance, options: ConsoleOptions): Promise<void> {
  const { query, clock, wsUri, version, node, payloads, watchers, maxWatchers } = options;
  server.addHook('preClose', (done: () => void) => {
    for (const watcher of watchers) watcher.end('this gateway shuts down');
    done();
  });

  server.get('/console/events', { schema: eventsSchema }, (request, reply) => {
    const parameters = parametersOf(request, ['id', 'route', 'tags', 'figures']);
    const filter = { id: parameters.get('id'), route: parameters.get('route'), tags: tagsIn(parameters) };
    const wantsFigures = flagIn(parameters, 'figures');
    if (request.method === 'HEAD') return reply.type('text/event-stream; charset=utf-8').send();
    if (watchers.size >= maxWatchers)
      throw new GatewayError('UNAVAILABLE', `${maxWatchers} watch already (CONSOLE_WATCHERS); close another console or tail`, {
        retryAfterMs: 5_000,
      });
    reply.hijack();
    const stream = new EventStream(reply.raw, reply.getHeaders());
    stream.send('hello', { version, node, payloads });
    const watcher = new Watcher({ stream, query, clock, filter, wantsFigures });
    watchers.add(watcher);
    reply.raw.on('close', () => {
      watcher.stop();
      watchers.delete(watcher);
    });
    return undefined;
  });

  server.get('/console/connections', { schema: searchSchema }, async (request, reply) => {
    const parameters = parametersOf(request, ['id', 'path', 'tags', 'limit', 'cursor']);
    const limit = numberIn(parameters, 'limit', { standard: 50, largest: 200 });
    const search = { id: textIn(parameters, 'id'), path: textIn(parameters, 'path'), tags: tagsIn(parameters) };
    const answers = await query({ type: 'search', search, after: cursorIn(parameters), limit });
    const { rows, next } = pageOf(answers, limit);
    return mark(reply, answers).send({ connections: rows.map((one) => describedAs(one, wsUri)), next });
  });

  server.get('/console/ends', { schema: endsSchema }, (request, reply) => {
    const parameters = parametersOf(request, ['id', 'code', 'limit']);
    const limit = limitIn(parameters);
    const code = textIn(parameters, 'code') === null ? null : numberIn(parameters, 'code', { standard: 0, largest: 4_999 });
    return last(reply, 'ends', { type: 'ends', id: textIn(parameters, 'id'), code, limit });
  });

  server.get('/console/failures', { schema: failuresSchema }, (request, reply) => {
    const limit = limitIn(parametersOf(request, ['limit']));
    return last(reply, 'failures', { type: 'failures', limit });
  });

  for (const path of ['events', 'connections', 'ends', 'failures']) server.allowOnly(`/console/${path}`, ['GET']);

  /** Newest first. */
  async function last(reply: FastifyReply, what: string, question: Exclude<Question, { type: 'watch' }>): Promise<FastifyReply> {
    const answers = await query({ type: 'observe', question });
    const newestFirst = sightingsOf(answers).toSorted((a, b) => b.at - a.at);
    return mark(reply, answers).send({ [what]: newestFirst.slice(0, question.limit) });
  }
}

function mark(reply: FastifyReply, { unreachable }: Answers): FastifyReply {
  return unreachable.length === 0 ? reply : reply.header('WS-Incomplete', unreachable.join(', '));
}

/** Nothing is as absent: forms send what was left empty. */
function textIn(parameters: URLSearchParams, name: string): string | null {
  return parameters.get(name) || null;
}

function tagsIn(parameters: URLSearchParams): readonly (readonly [string, string])[] {
  const text = textIn(parameters, 'tags');
  if (text === null) return [];
  const tags = readTagChanges(text);
  if (typeof tags === 'string') throw new GatewayError('BAD_REQUEST', tags);
  return tags;
}

function flagIn(parameters: URLSearchParams, name: string): boolean {
  const value = parameters.get(name);
  if (value !== null && value !== 'true') throw new GatewayError('BAD_REQUEST', `${name} must be true, or be left out`);
  return value === 'true';
}

function limitIn(parameters: URLSearchParams): number {
  return numberIn(parameters, 'limit', { standard: 100, largest: 500 });
}

type Range = { readonly standard: number; readonly largest: number };

function numberIn(parameters: URLSearchParams, name: string, { standard, largest }: Range): number {
  const value = textIn(parameters, name);
  if (value === null) return standard;
  const number = /^\d{1,6}$/.test(value) ? Number(value) : 0;
  if (number < 1 || number > largest) throw new GatewayError('BAD_REQUEST', `${name} must be a number from 1 to ${largest}`);
  return number;
}

function cursorIn(parameters: URLSearchParams): ListCursor | null {
  const value = textIn(parameters, 'cursor');
  if (value === null) return null;
  const match = /^([\w-]{6})\.(\d{1,15})$/.exec(value);
  if (match === null) throw new GatewayError('BAD_REQUEST', 'cursor must be the `next` of an earlier answer');
  return { owner: match[1] ?? '', serial: Number(match[2]) };
}

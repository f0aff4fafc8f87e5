import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Dispatch, PushOutcome } from '../../core/commands.ts';
import type { Connection } from '../../core/connection.ts';
import { atEndOfTurn } from '../../core/end-of-turn.ts';
import { isLongOfGiven } from '../../core/ids.ts';
import type { GatewayError } from '../../wire/errors.ts';
import { errorOf } from '../../wire/failures.ts';
import { isBinaryType } from '../../wire/http-messages.ts';
import { JSON_TYPE, QUEUED, SentAnswer } from '../../wire/push-answers.ts';
import { bodyOfError, headersOf } from '../server/errors.ts';
import type { HttpSockets } from '../server/http-sockets.ts';
import { hasLastAnswer } from '../server/last-answers.ts';
import { MEDIA_TYPE, requestProblem } from '../server/request-form.ts';
import { takeBody } from '../server/whole-body.ts';
import type { Scope } from './tokens.ts';

export type PlainPushOptions = {
  readonly find: (id: string) => Connection | undefined;
  readonly dispatch: Dispatch;
  /** What stands before an id in the paths of commands, each with its last slash. */
  readonly prefixes: readonly string[];
  readonly maxBodyBytes: () => number;
  readonly guard: (request: IncomingMessage, scopes: readonly Scope[]) => GatewayError | null;
  readonly httpSockets: HttpSockets;
  /** As for the routes: who is let in is counted no longer. */
  readonly release: HttpSockets | null;
};

type Listener = (request: IncomingMessage, response: ServerResponse) => void;

/** What a push may have beside its body and be plain: headers that decide nothing here, or that are looked at below. */
const PLAIN_HEADERS: ReadonlySet<string> = new Set([
  'host',
  'connection',
  'content-length',
  'content-type',
  'authorization',
  'user-agent',
  'accept',
  'accept-encoding',
  'accept-language',
  'sec-fetch-mode',
  'traceparent', // they lead to spans, and this way is none where spans are told
  'tracestate',
]);
const PUSH = ['push'] as const;
const PLAIN_CONNECTION = /^(keep-alive|close)$/i;

/**
 * The shortest way of a push: one with a body of a known length and none but usual headers, to a connection of this process
 * whose id the gateway gave. It goes past the framework's cycle, which is a fifth of a push. Guard, dispatch and errors are
 * those of the route `PUT /:id`, and whatever is not plain reaches that route untouched; both ways give the same answers
 * (test/edge/control/plain-push.test.ts). To be called once the server has all its listeners.
 */
export function shortenPlainPushes(server: Server, options: PlainPushOptions): void {
  const others = server.listeners('request') as Listener[];
  server.removeAllListeners('request');
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const id = server.listening ? plainPushTo(request, options) : null;
    if (id === null) for (const listener of others) listener.call(server, request, response);
    else push(request, response, { id, options });
  });
}

/** Whom this request pushes to, if it is as plain as can be and its caller may. */
function plainPushTo(request: IncomingMessage, { find, prefixes, maxBodyBytes, guard }: PlainPushOptions): string | null {
  if (request.method !== 'PUT') return null;
  const { url = '', headers, socket } = request;
  const id = url.slice(url.lastIndexOf('/') + 1);
  const connection = find(id);
  if (connection === undefined || connection.id !== connection.key || connection.state !== 'open' || !isLongOfGiven(id)) return null;
  if (!prefixes.some((prefix) => url.length === prefix.length + id.length && url.startsWith(prefix))) return null;
  for (const name in headers) if (!PLAIN_HEADERS.has(name)) return null;
  const length = Number(headers['content-length'] ?? 0);
  if (!(length > 0 && length <= maxBodyBytes())) return null;
  const { connection: ending = 'keep-alive', 'content-type': type } = headers;
  if (!PLAIN_CONNECTION.test(ending) || (type !== undefined && !MEDIA_TYPE.test(type))) return null;
  return hasLastAnswer(socket) || requestProblem(request) !== null || guard(request, PUSH) !== null ? null : id;
}

function push(
  request: IncomingMessage,
  response: ServerResponse,
  { id, options }: { readonly id: string; readonly options: PlainPushOptions },
): void {
  const { httpSockets, release, dispatch } = options;
  httpSockets.active(request.socket);
  release?.release(request.socket);
  takeBody(request, Number(request.headers['content-length']), (data) => {
    const message = { data, isBinary: isBinaryType(request.headers['content-type']) };
    const outcome = dispatch({ type: 'push', id, message, idempotencyKey: null });
    if (outcome instanceof Promise) void outcome.then((late) => answer(response, late));
    else if (outcome.type === 'sent') atEndOfTurn(new SentAnswer(response));
    else answer(response, outcome);
  });
}

function answer(response: ServerResponse, outcome: PushOutcome): void {
  if (outcome.type === 'sent') return new SentAnswer(response).endTurn();
  if (outcome.type === 'queued') return send(response, QUEUED, { status: 202, headers: { 'content-type': JSON_TYPE } });
  const error = errorOf(outcome);
  return send(response, bodyOfError(error), { status: error.status, headers: headersOf(error) });
}

type Head = { readonly status: number; readonly headers: Readonly<Record<string, string | number>> };

function send(response: ServerResponse, body: string, { status, headers }: Head): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body);
}

import { isUtf8 } from 'node:buffer';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { CLOSE, isSendableCloseCode, MAX_REASON_BYTES } from '../../core/close-codes.ts';
import type { CloseOutcome, DescribeOutcome, PushOutcome } from '../../core/commands.ts';
import { atEndOfTurn, type Waiting } from '../../core/end-of-turn.ts';
import type { Message } from '../../core/events.ts';
import { GatewayError } from '../../wire/errors.ts';
import { errorOf } from '../../wire/failures.ts';
import { bodyOf } from '../../wire/http-messages.ts';
import { parametersOf } from '../../wire/parameters.ts';
import type { ControlOptions } from '../definition.ts';
import { ApiAccess, grantedTo } from './access.ts';
import { sendProblem, speakAsAws, standardHeaders, withRequestId } from './answers.ts';
import { readFacts } from './connection-facts.ts';
import { deleteSchema, getSchema, postSchema } from './connection-schemas.ts';

type Params = { readonly stage?: string; readonly id: string };
type Addressed = { Params: Params };

const HIDDEN: object = { hide: true };
/** Other spellings of them are in paths.ts. */
const BASES = ['/@connections', '/:stage/@connections'];
/** Of ids that a gateway gives. */
const ID = /^[\w-]{1,36}=?$/;
/** What DeleteConnection tells both sides. */
const CLOSED_NORMALLY = 'Connection Closed Normally';

/** `@connections`, as the unmodified SDKs of AWS call it (docs/dialects/aws.md#commands). Needs a parser that leaves bodies as Buffers. */
export async function awsRoutes(server: FastifyInstance, options: ControlOptions): Promise<void> {
  speakAsAws(server, () => options.controls().size > 0);
  const { dispatch } = options;

  const post = (request: FastifyRequest<Addressed>, reply: FastifyReply): unknown => {
    const access = granted(request, reply);
    if (access === null) return reply;
    const { id } = request.params;
    const outcome = dispatch({ type: 'push', id, message: messageOf(request, access.isStrict), idempotencyKey: null, ...access.within });
    if (outcome instanceof Promise) return outcome.then((late) => pushed(reply, late));
    if (outcome.type !== 'sent' || request.headers.origin !== undefined) return pushed(reply, outcome); // a page's answer has more headers
    atEndOfTurn(new Sent(reply)); // after the frame itself, which leaves then
    return undefined;
  };

  const get = async (request: FastifyRequest<Addressed>, reply: FastifyReply): Promise<unknown> => {
    const access = granted(request, reply);
    if (access === null) return reply;
    parametersOf(request, []);
    return described(reply, await dispatch({ type: 'describe', id: request.params.id, ...access.within }));
  };

  const remove = async (request: FastifyRequest<Addressed>, reply: FastifyReply): Promise<unknown> => {
    const access = granted(request, reply);
    if (access === null) return reply;
    return closed(reply, await dispatch({ type: 'close', id: request.params.id, ...closingIn(request), ...access.within }));
  };

  for (const base of BASES) {
    const isTold = base === '/@connections'; // the others are the same, so the OpenAPI document has them once
    server.post<Addressed>(`${base}/:id`, { schema: isTold ? postSchema : HIDDEN }, post);
    server.get<Addressed>(`${base}/:id`, { schema: isTold ? getSchema : HIDDEN }, get);
    server.delete<Addressed>(`${base}/:id`, { schema: isTold ? deleteSchema : HIDDEN }, remove);
    server.route({ method: ['PUT', 'PATCH', 'OPTIONS'], url: `${base}/:id`, schema: HIDDEN, handler: forbid });
    server.route({ method: ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'], url: `${base}/*`, schema: HIDDEN, handler: forbid });
  }

  /** Whose connections this caller may command; null: none, and it has been told. */
  function granted(
    request: FastifyRequest<Addressed>,
    reply: FastifyReply,
  ): { readonly within: object; readonly isStrict: boolean } | null {
    const { method, headers, originalUrl: target, raw, params } = request;
    const apis = new Map(
      [...options.controls()].flatMap(([name, control]) => (control instanceof ApiAccess ? [[name, control] as const] : [])),
    );
    if (params.id === '') {
      forbid(request, reply);
      return null;
    }
    const access = grantedTo(
      { method, headers, target, body: bodyOf(request), nowMs: Date.now(), controlProblem: () => options.controlProblem(raw) },
      params.stage,
      apis,
    );
    if ('error' in access) {
      sendProblem(reply, 403, access);
      return null;
    }
    options.letIn(raw);
    if (!ID.test(params.id)) throw new GatewayError('BAD_REQUEST', `Invalid connectionId: ${params.id.slice(0, 40)}`);
    const isStrict = [...apis.values()].every((api) => api.isStrict);
    return { within: access.only === null ? NOTHING : { routes: access.only }, isStrict };
  }
}

/** What is no command is Forbidden on AWS, whatever it is. */
function forbid(_request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return sendProblem(reply, 403, { error: 'ForbiddenException', message: 'Forbidden' });
}

const NOTHING = {};

/** The answer to a push that is in its socket. */
class Sent implements Waiting {
  readonly #reply: FastifyReply;

  constructor(reply: FastifyReply) {
    this.#reply = reply;
  }

  endTurn(): void {
    this.#reply.hijack(); // the answer is nearly the same for every push: Fastify's way to it would only add cost
    this.#reply.raw.writeHead(200, ['Content-Length', '0', ...standardHeaders()]).end();
  }
}

/**
 * The SDKs call every body a stream of bytes: what is UTF-8 becomes a text frame, as on AWS; `?frame=` says it better.
 * Other bytes have no frame on AWS; `isStrict` makes text of them as its emulators do.
 */
function messageOf(request: FastifyRequest, isStrict: boolean): Message {
  const data = bodyOf(request);
  const frame = parametersOf(request, ['frame']).get('frame');
  if (frame !== null && frame !== 'text' && frame !== 'binary') throw new GatewayError('BAD_REQUEST', 'frame must be text or binary');
  if (frame !== null) return { data, isBinary: frame === 'binary' };
  if (isUtf8(data)) return { data, isBinary: false };
  return isStrict ? { data: Buffer.from(data.toString()), isBinary: false } : { data, isBinary: true };
}

function closingIn(request: FastifyRequest): { readonly code: number; readonly reason: string } {
  const parameters = parametersOf(request, ['code', 'reason']);
  const given = parameters.get('code');
  const code = given === null ? CLOSE.NORMAL : /^\d{4}$/.test(given) ? Number(given) : 0;
  if (!isSendableCloseCode(code))
    throw new GatewayError('BAD_REQUEST', 'a close code must be 1000, 1001, 1003, 1007 to 1014 or 3000 to 4999');
  const reason = parameters.get('reason') ?? (code === CLOSE.NORMAL ? CLOSED_NORMALLY : '');
  if (Buffer.byteLength(reason) > MAX_REASON_BYTES)
    throw new GatewayError('BAD_REQUEST', `a close reason may have ${MAX_REASON_BYTES} bytes`);
  return { code, reason };
}

function pushed(reply: FastifyReply, outcome: PushOutcome): FastifyReply {
  switch (outcome.type) {
    case 'sent':
      return withRequestId(reply).send();
    case 'queued':
      return withRequestId(reply).code(202).send();
    default:
      throw errorOf(outcome);
  }
}

function closed(reply: FastifyReply, outcome: CloseOutcome): FastifyReply {
  if (outcome.type !== 'closing' && outcome.type !== 'queued') throw errorOf(outcome);
  return withRequestId(reply).code(204).send();
}

function described(reply: FastifyReply, outcome: DescribeOutcome): FastifyReply {
  if (outcome.type !== 'described') throw errorOf(outcome);
  const { description, data = null } = outcome;
  const facts = readFacts(data);
  return withRequestId(reply).send({
    connectedAt: new Date(facts.connectedAt || description.connectedAt).toISOString(),
    identity: { sourceIp: description.remoteAddress, userAgent: facts.userAgent },
    lastActiveAt: new Date(description.lastActiveAt).toISOString(),
  });
}

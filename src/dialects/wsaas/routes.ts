import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { CLOSE, isSendableCloseCode, MAX_REASON_BYTES } from '../../core/close-codes.ts';
import type { CloseOutcome, PushOutcome } from '../../core/commands.ts';
import { atEndOfTurn } from '../../core/end-of-turn.ts';
import { GatewayError } from '../../wire/errors.ts';
import { addressIn, type UnderControlPath } from '../../wire/control-paths.ts';
import { describedAs } from '../../wire/description.ts';
import { errorOf } from '../../wire/failures.ts';
import { bodyOf, messageOf, parseJson } from '../../wire/http-messages.ts';
import { parametersOf } from '../../wire/parameters.ts';
import { JSON_TYPE, OK, QUEUED, SentAnswer } from '../../wire/push-answers.ts';
import type { ControlOptions } from '../definition.ts';
import { closeSchema, describeSchema, pushSchema } from './schemas.ts';

const IDEMPOTENCY_KEY_MAX_BYTES = 256;

type ById = { Params: UnderControlPath & { id: string } };

/** The commands on one connection: push, close, describe (docs/dialects/wsaas.md#commands). Needs a parser that leaves bodies as Buffers. */
export async function wsaasRoutes(server: FastifyInstance, { dispatch, wsUri, othersOnId }: ControlOptions): Promise<void> {
  server.put<ById>('/:id', { schema: pushSchema }, (request, reply) => {
    const key = request.headers['idempotency-key'];
    if (typeof key === 'string' && key.length > IDEMPOTENCY_KEY_MAX_BYTES)
      throw new GatewayError('BAD_REQUEST', `Idempotency-Key must have at most ${IDEMPOTENCY_KEY_MAX_BYTES} bytes`);
    const outcome = dispatch({
      type: 'push',
      id: addressIn(request.params, request.params.id),
      message: messageOf(request),
      idempotencyKey: typeof key === 'string' ? key : null,
    });
    if (outcome instanceof Promise) return outcome.then((late) => answer(reply, late));
    if (outcome.type !== 'sent' || request.headers.origin !== undefined) return answer(reply, outcome); // a page's answer has more headers
    reply.hijack(); // the answer is the same for every push: Fastify's way to it would only add cost
    atEndOfTurn(new SentAnswer(reply.raw));
    return undefined;
  });

  server.delete<ById>('/:id', { schema: closeSchema }, async (request, reply) => {
    const { code, reason } = closeParameters(request);
    return answer(reply, await dispatch({ type: 'close', id: addressIn(request.params, request.params.id), code, reason }));
  });

  server.get<ById>('/:id', { schema: describeSchema }, async (request) => {
    const outcome = await dispatch({ type: 'describe', id: addressIn(request.params, request.params.id) });
    if (outcome.type !== 'described') throw errorOf(outcome);
    return describedAs(outcome.description, wsUri);
  });

  server.allowOnly('/:id', ['GET', 'PUT', 'DELETE', ...othersOnId]);
}

function answer(reply: FastifyReply, outcome: PushOutcome | CloseOutcome): FastifyReply {
  switch (outcome.type) {
    case 'sent':
    case 'closing':
      return reply.header('content-type', JSON_TYPE).send(OK);
    case 'queued':
      return reply.code(202).header('content-type', JSON_TYPE).send(QUEUED);
    default:
      throw errorOf(outcome);
  }
}

/** `?code=4001&reason=…`, or the same in a JSON body; the query wins. */
function closeParameters(request: FastifyRequest): { code: number; reason: string } {
  const query = parametersOf(request, CLOSE_NAMES);
  const given = closingIn(bodyOf(request));
  const code = query.get('code') ?? given.code ?? CLOSE.NORMAL;
  const reason = query.get('reason') ?? given.reason ?? '';
  const number = typeof code === 'string' && /^\d{4}$/.test(code) ? Number(code) : code;
  if (typeof number !== 'number' || !isSendableCloseCode(number)) {
    throw new GatewayError('BAD_REQUEST', 'a close code must be 1000, 1001, 1003, 1007 to 1014 or 3000 to 4999');
  }
  if (typeof reason !== 'string' || Buffer.byteLength(reason) > MAX_REASON_BYTES) {
    throw new GatewayError('BAD_REQUEST', `a close reason must be a string of at most ${MAX_REASON_BYTES} bytes`);
  }
  return { code: number, reason };
}

const CLOSE_NAMES = ['code', 'reason'];
const JSON_STRING = /"(?:[^"\\]|\\.)*"/g;

function closingIn(body: Buffer): { readonly code?: unknown; readonly reason?: unknown } {
  if (body.length === 0) return {};
  let parsed: unknown;
  try {
    parsed = parseJson(body);
  } catch {
    parsed = null;
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw new GatewayError('BAD_REQUEST', 'the body must be empty or a JSON object such as {"code":4001,"reason":"bye"}');
  const names = Object.keys(parsed);
  const colons = body.toString().replaceAll(JSON_STRING, '').split(':').length - 1; // one a field, in an object of plain values
  if (names.some((name) => !CLOSE_NAMES.includes(name)) || colons !== names.length)
    throw new GatewayError('BAD_REQUEST', 'the body may have the fields code and reason, each once and a plain value');
  return parsed;
}

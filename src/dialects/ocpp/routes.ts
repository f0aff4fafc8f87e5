import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { RpcOutcome } from '../../core/commands.ts';
import type { RpcError } from '../../core/rpc.ts';
import { GatewayError } from '../../wire/errors.ts';
import { errorOf } from '../../wire/failures.ts';
import { bodyOf } from '../../wire/http-messages.ts';
import { addressIn, type UnderControlPath } from '../../wire/control-paths.ts';
import { parametersOf } from '../../wire/parameters.ts';
import { JSON_TYPE, OK } from '../../wire/push-answers.ts';
import type { ControlOptions } from '../definition.ts';
import { errorBody, isObject, readError, rpcError } from './errors.ts';
import { parseJson, readPayload } from './json.ts';
import { callSchema, resultErrorSchema, sendSchema } from './schemas.ts';
import { actionProblem, isSegment, messageIdProblem } from './segments.ts';
import { versionOf } from './versions.ts';

const HIDDEN: object = { hide: true };
/** The longest span that a timer can have. */
const MAX_WAIT_MS = 2 ** 31 - 1;

type Params = UnderControlPath & { readonly action: string; readonly clientId: string; readonly messageId: string };
type Addressed = { Params: Params };
type Address = { readonly id: string; readonly action: string; readonly messageId: string };

/** A backend's calls, sends and rejections (docs/dialects/ocpp.md#what-you-can-ask). Needs a parser that leaves bodies as Buffers. */
export async function ocppRoutes(server: FastifyInstance, { dispatch }: Pick<ControlOptions, 'dispatch'>): Promise<void> {
  server.post<Addressed>('/call/:action/:clientId/:messageId', { schema: callSchema }, async (request, reply) => {
    const waitMs = waitOf(parametersOf(request, ['wait']).get('wait'));
    return answer(reply, await dispatch({ type: 'rpc-call', ...addressOf(request.params), payloadJson: payloadOf(request), waitMs }));
  });

  server.post<Addressed>('/send/:action/:clientId/:messageId', { schema: sendSchema }, async (request, reply) => {
    parametersOf(request, []);
    return answer(reply, await dispatch({ type: 'rpc-send', ...addressOf(request.params), payloadJson: payloadOf(request) }));
  });

  server.post<Addressed>('/resulterror/:action/:clientId/:messageId', { schema: resultErrorSchema }, async (request, reply) => {
    parametersOf(request, []);
    const { id, messageId } = addressOf(request.params);
    return answer(reply, await dispatch({ type: 'rpc-reject', id, messageId, error: rejectionOf(request) }));
  });

  for (const kind of ['call', 'send', 'resulterror']) {
    server.allowOnly(`/${kind}/:action/:clientId/:messageId`, ['POST']);
    server.post(`/${kind}/*`, { schema: HIDDEN }, () => {
      throw new GatewayError('BAD_REQUEST', `POST /${kind}/<Action>/<ClientId>/<MessageId> was wanted, each exactly one path segment`);
    });
  }
}

function answer(reply: FastifyReply, outcome: RpcOutcome): FastifyReply {
  switch (outcome.type) {
    case 'accepted':
      return reply.code(202).header('content-type', JSON_TYPE).send(OK);
    case 'answered':
      return reply.header('content-type', JSON_TYPE).send(outcome.payloadJson);
    case 'rejected':
      return reply.code(422).header('content-type', JSON_TYPE).send(errorBody(outcome.error));
    case 'conflict':
      return reply.code(409).send({ code: 'CONFLICT', message: `${outcome.detail}; nothing was sent` });
    case 'unanswered':
      throw new GatewayError('GATEWAY_TIMEOUT', outcome.detail);
    default:
      throw errorOf(outcome);
  }
}

function addressOf({ action, clientId, messageId, ...params }: Params): Address {
  if (!isSegment(clientId)) throw new GatewayError('BAD_REQUEST', 'the client id must not be empty, "." or ".."');
  const problem = actionProblem(action) ?? messageIdProblem(messageId);
  if (problem !== null) throw new GatewayError('BAD_REQUEST', problem);
  return { id: addressIn(params, clientId), action, messageId };
}

function payloadOf(request: FastifyRequest): string {
  const payload = readPayload(bodyOf(request));
  if (payload === null) throw new GatewayError('BAD_REQUEST', 'the body must be a JSON object (the payload), or empty');
  return payload;
}

/** Only 2.1 has rejections of results, so its spellings are right whoever the client is. */
function rejectionOf(request: FastifyRequest): RpcError {
  const body = bodyOf(request);
  const value = body.length === 0 ? {} : parseJson(body)?.value;
  const version = versionOf('ocpp2.1');
  if (!isObject(value) || version === null) {
    throw new GatewayError(
      'BAD_REQUEST',
      'the body must be a JSON object such as {"code":"FormatViolation","description":"…","details":{}}',
    );
  }
  return readError(version, { code: 'FormatViolation', ...value }) ?? rpcError('FormatViolation', '');
}

function waitOf(wait: string | null): number | null {
  if (wait === null) return null;
  const waitMs = /^\d{1,10}$/.test(wait) ? Number(wait) : 0;
  if (waitMs < 1 || waitMs > MAX_WAIT_MS) throw new GatewayError('BAD_REQUEST', `wait must be 1 to ${MAX_WAIT_MS} ms`);
  return waitMs;
}

import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { AccessProblem } from './access.ts';

const JSON_TYPE = 'application/json';
const ERROR_TYPE = 'x-amzn-ErrorType';
const REQUEST_ID = 'x-amzn-RequestId';

/** AWS's names of what our error codes mean. The SDKs make of the name the class that users catch. */
const NAMES: Readonly<Record<string, { readonly status: number; readonly error: string }>> = {
  BAD_REQUEST: { status: 400, error: 'BadRequestException' },
  UNAUTHORIZED: { status: 403, error: 'MissingAuthenticationTokenException' },
  FORBIDDEN: { status: 403, error: 'ForbiddenException' },
  NOT_FOUND: { status: 410, error: 'GoneException' },
  METHOD_NOT_ALLOWED: { status: 403, error: 'ForbiddenException' },
  MESSAGE_TOO_LONG: { status: 413, error: 'PayloadTooLargeException' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, error: 'UnsupportedMediaTypeException' },
  SLOW_CLIENT: { status: 429, error: 'LimitExceededException' },
  UNAVAILABLE: { status: 503, error: 'ServiceUnavailableException' },
  GATEWAY_TIMEOUT: { status: 504, error: 'GatewayTimeoutException' },
};
const FAULT = { status: 500, error: 'InternalServerErrorException' };

/** Headers that every answer has, for `writeHead`. */
export function standardHeaders(): string[] {
  return [REQUEST_ID, randomUUID()];
}

export function withRequestId(reply: FastifyReply): FastifyReply {
  return reply.header(REQUEST_ID, randomUUID());
}

/** An error as AWS sends it: its name in a header, a JSON body that has no more than a message. */
export function sendProblem(reply: FastifyReply, status: number, { error, message }: AccessProblem): FastifyReply {
  return withRequestId(reply).code(status).header(ERROR_TYPE, error).header('content-type', JSON_TYPE).send(JSON.stringify({ message }));
}

/** Errors of this scope leave in AWS's form, whoever found the mistake. While no route has the dialect its paths are not there, and not its to answer. */
export function speakAsAws(server: FastifyInstance, isThere: () => boolean): void {
  server.addHook('onSend', async (request, reply, payload) => {
    if (!isThere() || request.is404 || reply.statusCode < 400 || reply.hasHeader(ERROR_TYPE) || typeof payload !== 'string') return payload;
    const { code, message } = errorIn(payload);
    const { status, error } = NAMES[code] ?? (reply.statusCode >= 500 ? FAULT : { status: reply.statusCode, error: 'BadRequestException' });
    const body = JSON.stringify({ message });
    void withRequestId(reply)
      .code(status)
      .headers({ [ERROR_TYPE]: error, 'content-type': JSON_TYPE, 'content-length': Buffer.byteLength(body) });
    return body;
  });
}

function errorIn(payload: string): { readonly code: string; readonly message: string } {
  try {
    const { code, message } = JSON.parse(payload) as { readonly code?: unknown; readonly message?: unknown };
    return { code: String(code), message: String(message) };
  } catch {
    return { code: '', message: payload.slice(0, 200) };
  }
}

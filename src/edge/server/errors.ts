import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { GatewayError, type ErrorCode } from '../../wire/errors.ts';
import { JSON_TYPE } from '../../wire/push-answers.ts';
import { dropsRest } from './bodies.ts';
import { asLastAnswer } from './last-answers.ts';
import { methodOf } from './other-methods.ts';
import { pathOf } from './query.ts';

const NAVIGATED: ReadonlySet<ErrorCode> = new Set(['NOT_FOUND', 'FORBIDDEN', 'UNAUTHORIZED']);

/** What of the paths of commands may be a client's. */
export type ClientPaths = { readonly servesClients: () => boolean; readonly isUpgradeOnly: (path: string) => boolean };

const NO_CLIENTS: ClientPaths = { servesClients: () => false, isUpgradeOnly: () => false };

/** The last resort: every error leaves as `{"code","message"}` (docs/contract.md#errors-of-commands). */
export function answerErrors(server: FastifyInstance, { servesClients, isUpgradeOnly }: ClientPaths = NO_CLIENTS): void {
  // before the handler of errors, as a dialect may have its own
  server.addHook('onError', (request, reply, ...[, done]) => {
    // the framework says so where a body was not read whole
    if (dropsRest(request.raw)) reply.removeHeader('connection');
    else if (reply.getHeader('connection') === 'close') asLastAnswer(reply);
    done();
  });
  server.setErrorHandler((error: FastifyError | GatewayError, request, reply) => {
    const known = error instanceof GatewayError ? error : fromFramework(error);
    if (known === null) {
      request.log.error({ err: error }, 'a request failed');
      return sendError(reply, new GatewayError('INTERNAL_ERROR', 'a fault of the gateway; its log has the cause'));
    }
    const mayBeClients = NAVIGATED.has(known.code) && isClientPath(request) && servesClients();
    if (mayBeClients && (isNavigation(request) || isUpgradeOnly(pathOf(request.url)))) return tellToUpgrade(reply);
    return sendError(reply, known);
  });
}

/** The same where the framework finds the mistake before there is a route, a hook or an error handler: bad URLs. */
export function answerFrameworkError(error: FastifyError, _request: unknown, reply: FastifyReply): void {
  const known = fromFramework(error) ?? new GatewayError('BAD_REQUEST', error.message);
  void sendError(asLastAnswer(reply), known);
}

export function sendError(reply: FastifyReply, error: GatewayError): FastifyReply {
  return reply.code(error.status).headers(headersOf(error)).send(bodyOfError(error));
}

/** What an error's answer says beside its body. */
export function headersOf({ code, retryAfterMs, challenge }: GatewayError): Record<string, string | number> {
  return {
    'content-type': JSON_TYPE,
    ...(retryAfterMs !== null && { 'Retry-After': Math.ceil(retryAfterMs / 1000) }),
    ...(challenge !== null && { 'WWW-Authenticate': challenge }),
    ...(code === 'UNSUPPORTED_MEDIA_TYPE' && { 'Accept-Encoding': 'identity' }), // RFC 9110 §15.5.16
  };
}

export function bodyOfError({ code, message }: GatewayError): string {
  return JSON.stringify({ code, message });
}

/** What Fastify found wrong with a request, in our words; null: the fault is ours. */
function fromFramework({ code, statusCode = 500, message }: FastifyError): GatewayError | null {
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new GatewayError('MESSAGE_TOO_LONG', 'the body is over MAX_MESSAGE_BYTES; nothing was sent');
    case 'FST_ERR_BAD_URL':
      return new GatewayError('BAD_REQUEST', 'the path must be percent-encoded UTF-8; a % of its own is written %25');
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return new GatewayError('URL_TOO_LONG', 'a part of the path may have 1,024 characters');
    default:
      return statusCode < 500 ? new GatewayError('BAD_REQUEST', message) : null;
  }
}

/**
 * What a request gets that no route knows: where clients connect 426, on the control API's own port 404. Two slashes
 * before an id are a command with a mistake in it, so where there are commands they are 404.
 */
export function answerUnknown(server: FastifyInstance, serves: 'clients' | 'commands' | 'both'): void {
  server.setNotFoundHandler((request, reply) => {
    if (serves === 'clients' || (serves === 'both' && !request.url.startsWith('//'))) return tellToUpgrade(reply);
    const asked = `${methodOf(request.raw)} ${request.url.slice(0, 200)}`;
    return sendError(reply, new GatewayError('NOT_FOUND', `${asked} is not served by the control API; a command on one client is /<id>`));
  });
}

/** Is it a client's path as well as a command's? Commands come first, for ids that somebody has. */
function isClientPath({ method, routeOptions }: FastifyRequest): boolean {
  return (method === 'GET' || method === 'HEAD') && routeOptions.url?.endsWith('/:id') === true;
}

/** A person has opened this in a browser (Fetch Metadata; older ones tell it by what they accept). */
function isNavigation({ headers }: FastifyRequest): boolean {
  return headers['sec-fetch-mode'] === 'navigate' || headers.accept?.includes('text/html') === true;
}

function tellToUpgrade(reply: FastifyReply): FastifyReply {
  void asLastAnswer(reply).headers({ Upgrade: 'websocket', Connection: 'Upgrade, close' });
  return sendError(reply, new GatewayError('UPGRADE_REQUIRED', 'this path speaks WebSocket (RFC 6455) only'));
}

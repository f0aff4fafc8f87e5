import { Type } from 'typebox';
import { ACCEPT_ENCODING, ACCESS_ERRORS, messageBody, RETRY_AFTER, textAnswer } from '../../wire/error-schemas.ts';

export const rawPushSchema = {
  operationId: 'rawPush',
  tags: ['commands'],
  summary: 'Push one message to a client that chose its id (dialect raw)',
  description:
    'Answered in plain words, as by ws2api; only who may not ask at all gets our error form. On a route with a controlPath the path begins with it.',
  params: Type.Object({ id: Type.String({ description: 'The id that the client chose, as one path segment.', examples: ['station-7'] }) }),
  requestBody: messageBody,
  response: {
    200: textAnswer('Handed to the socket of a live connection.', 'ok'),
    202: textAnswer('Its connect call is still being answered: sent right after the upgrade, dropped if the client is refused.', 'ok'),
    400: textAnswer('The body of a text push is not UTF-8; nothing was sent.', 'the body is not UTF-8'),
    401: ACCESS_ERRORS[401],
    403: ACCESS_ERRORS[403],
    404: textAnswer('No client has this id (any more); nothing was sent.', 'not found'),
    413: textAnswer('Over MAX_MESSAGE_BYTES; nothing was sent.', 'message too long'),
    415: textAnswer('The body has a Content-Encoding; nothing was sent.', 'the body must have no Content-Encoding', ACCEPT_ENCODING),
    429: textAnswer('The client reads too slowly; nothing was sent.', 'slow client', RETRY_AFTER),
    503: textAnswer('The process that owns the connection cannot be asked now.', 'unavailable', RETRY_AFTER),
    504: textAnswer('The process that owns the connection did not answer in time.', 'timeout'),
  },
};

import {
  answer,
  closeHeaders,
  closeResponses,
  eventHeaders,
  replyAnswer,
  RETRIED,
  SET_TAGS,
  textAnswer,
} from '../../wire/webhook-parts.ts';

/** What the gateway asks of a backend, for the OpenAPI document (docs/dialects/raw.md#events). */
export const rawWebhooks = {
  rawOpen: {
    get: {
      operationId: 'onRawOpen',
      tags: ['events'],
      summary: 'Dialect raw: a client wants in: GET <backend>/<id>',
      security: [],
      parameters: eventHeaders,
      responses: {
        200: textAnswer('`ok`, and nothing else, lets the client in; another body refuses it with 403.', 'ok', SET_TAGS),
        default: answer('Refused with 502.'),
      },
    },
  },
  rawMessage: {
    post: {
      operationId: 'onRawMessage',
      tags: ['events'],
      summary: 'Dialect raw: a client sent a message: POST <backend>/<id>',
      security: [],
      parameters: eventHeaders,
      requestBody: {
        required: true,
        content: {
          'text/plain': { schema: { type: 'string' }, example: 'how are you?' },
          'application/octet-stream': { schema: { type: 'string', format: 'binary' } },
        },
      },
      responses: {
        '2XX': replyAnswer('Delivered; a body that is not empty goes back to the client'),
        503: answer('Repeated: POST is not idempotent, so nothing else is.', undefined, RETRIED),
        default: answer('Delivered; its body never reaches the client.'),
      },
    },
  },
  rawClose: {
    delete: {
      operationId: 'onRawClose',
      tags: ['events'],
      summary: 'Dialect raw: a connection has ended: DELETE <backend>/<id>',
      security: [],
      parameters: closeHeaders,
      requestBody: {
        description: 'The close reason, or `EOF` where the connection just dropped.',
        content: { 'text/plain': { schema: { type: 'string' }, example: 'EOF' } },
      },
      responses: closeResponses,
    },
  },
};

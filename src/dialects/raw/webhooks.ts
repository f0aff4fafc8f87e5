import { answer, closeHeaders, closeResponses, eventHeaders } from '../../wire/webhook-parts.ts';

const text = (description: string) => ({ description, content: { 'text/plain': { schema: { type: 'string' } } } });

/** What the gateway asks of a backend, for the OpenAPI document (CONTRACT §5). */
export const rawWebhooks = {
  rawOpen: {
    get: {
      operationId: 'onRawOpen',
      tags: ['events'],
      summary: 'Dialect raw: a client wants in: GET <backend>/<id>',
      security: [],
      parameters: eventHeaders,
      responses: {
        200: text('`ok`, and nothing else, lets the client in; another body refuses it with 403.'),
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
          'text/plain': { schema: { type: 'string' } },
          'application/octet-stream': { schema: { type: 'string', format: 'binary' } },
        },
      },
      responses: {
        200: text('Delivered; a body that is not empty goes back to the client.'),
        503: answer('Repeated: POST is not idempotent, so nothing else is.'),
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
        ...text('The close reason, or `EOF` where the connection just dropped.'),
      },
      responses: closeResponses,
    },
  },
};

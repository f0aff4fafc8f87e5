import { Type } from 'typebox';
import {
  answer,
  closeBody,
  closeHeaders,
  closeResponses,
  eventHeaders,
  json,
  openBody,
  replyAnswer,
  RETRIED,
  SET_TAGS,
} from '../../wire/webhook-parts.ts';

const openVerdict = Type.Object(
  {
    code: Type.String({ description: '`OK` lets the client in; anything else refuses it with 403.' }),
    tags: Type.Optional(Type.Record(Type.String(), Type.String())),
    data: Type.Optional(Type.String({ description: 'Visible ASCII up to 4096 bytes; comes back as WS-Data.' })),
    subprotocol: Type.Optional(Type.String({ description: 'One of those offered.' })),
    message: Type.Optional(Type.String({ description: 'Sent to the client first.' })),
    headers: Type.Optional(Type.Object({}, { description: '`Set-Cookie` and `X-*` of the 101.', additionalProperties: true })),
  },
  { title: 'OpenVerdict', examples: [{ code: 'OK', tags: { user: '42' }, message: 'welcome' }] },
);

/** What the gateway asks of a backend, for the OpenAPI document (docs/dialects/wsaas.md#events). */
export const wsaasWebhooks = {
  open: {
    post: {
      operationId: 'onOpen',
      tags: ['events'],
      summary: 'A client wants in: POST API_URI',
      security: [],
      parameters: eventHeaders,
      requestBody: json(openBody),
      responses: {
        '2XX': answer('The verdict.', openVerdict, SET_TAGS),
        '4XX': answer('The client is refused with this status.'),
        default: answer('The client is refused with 502.'),
      },
    },
  },
  message: {
    put: {
      operationId: 'onMessage',
      tags: ['events'],
      summary: 'A client sent a message: PUT API_URI',
      security: [],
      parameters: eventHeaders,
      requestBody: {
        required: true,
        content: {
          'text/plain': { schema: { type: 'string' }, example: 'hello' },
          'application/json': { schema: {}, example: { hello: 'world' } },
          'application/octet-stream': { schema: { type: 'string', format: 'binary' } },
        },
      },
      responses: {
        '2XX': replyAnswer('Delivered. With the route option `reply: true` a body goes back to the client'),
        '4XX': answer('Delivered; counted and logged.'),
        '5XX': answer('502, 503 and 504 are repeated, with the same WS-Event-Id; others count as delivered.', undefined, RETRIED),
      },
    },
  },
  close: {
    delete: {
      operationId: 'onClose',
      tags: ['events'],
      summary: 'A connection has ended: DELETE API_URI',
      security: [],
      parameters: closeHeaders,
      requestBody: json(closeBody),
      responses: closeResponses,
    },
  },
};

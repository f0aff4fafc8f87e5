import { Type } from 'typebox';
import { descriptionSchema } from '../../wire/description.ts';
import { BODY_ERRORS, COMMAND_ERRORS, errorSchema, messageBody, RETRY_AFTER } from '../../wire/error-schemas.ts';

/** What the OpenAPI document says of this dialect. Requests are checked by hand in `routes.ts`, with errors that speak. */
const id = Type.Object({
  id: Type.String({ description: "The connection's id, as told by the `open` event.", examples: ['5ZZ67aPd18ceCkFuaAowW46QFZU9Do'] }),
});

/** 200 or 202: one schema, as generated clients know one type for what went well. */
const outcome = (code: 'OK' | 'QUEUED', description: string) =>
  Type.Object({ code: Type.Enum(['OK', 'QUEUED']) }, { title: 'Outcome', description, examples: [{ code }] });

export const pushSchema = {
  operationId: 'push',
  tags: ['commands'],
  summary: 'Push one message to a client',
  description:
    'The body becomes one frame: binary for `application/octet-stream`, else text, which must be UTF-8. 200 means that the frame was handed to the socket.',
  params: id,
  headers: Type.Object({
    'idempotency-key': Type.Optional(
      Type.String({
        maxLength: 256,
        examples: ['order-4711'],
        description: 'A repetition within five minutes repeats the first answer and sends nothing.',
      }),
    ),
  }),
  requestBody: messageBody,
  response: {
    200: outcome('OK', 'Handed to the socket of a live connection.'),
    202: outcome('QUEUED', 'The `open` event is still being answered: sent right after the upgrade, dropped if the client is refused.'),
    ...COMMAND_ERRORS,
    ...BODY_ERRORS,
    429: errorSchema('SLOW_CLIENT: the client reads too slowly; nothing was sent, see Retry-After.', RETRY_AFTER),
  },
};

export const closeSchema = {
  operationId: 'close',
  tags: ['commands'],
  summary: 'Close a client',
  description: 'Sends a close frame; the `close` event follows as for any other end. Code and reason may also come as a JSON body.',
  params: id,
  querystring: Type.Object({
    code: Type.Optional(Type.Integer({ examples: [4001], description: '1000 (default), 1001, 1003, 1007 to 1014 or 3000 to 4999.' })),
    reason: Type.Optional(Type.String({ examples: ['bye'], description: 'At most 123 bytes.' })),
  }),
  requestBody: {
    description: 'The same as in the query, which wins.',
    content: {
      'application/json': {
        schema: Type.Object(
          { code: Type.Optional(Type.Integer()), reason: Type.Optional(Type.String()) },
          { title: 'Closing', additionalProperties: false },
        ),
        example: { code: 4_001, reason: 'bye' },
      },
    },
  },
  response: {
    200: outcome('OK', 'The closing handshake has begun.'),
    202: outcome('QUEUED', 'Closed as soon as it is open.'),
    ...COMMAND_ERRORS,
    ...BODY_ERRORS,
  },
};

export const describeSchema = {
  operationId: 'describe',
  tags: ['commands'],
  summary: 'Describe a client',
  params: id,
  response: {
    200: descriptionSchema,
    ...COMMAND_ERRORS,
  },
};

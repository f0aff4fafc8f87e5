import { Type } from 'typebox';
import { COMMAND_ERRORS, errorSchema } from '../../wire/error-schemas.ts';

/** What the OpenAPI document says of this dialect. Requests are checked by hand in `routes.ts`, with errors that speak. */
const address = {
  action: Type.String({ description: 'The name of the message, without "Request".' }),
  clientId: Type.String({ description: "The client's identity: the last segment of its path." }),
  messageId: Type.String({ description: 'Of your choice; unique for this client, 1 to 36 characters.' }),
};
const params = Type.Object(address);
const payload = Type.Object({}, { description: 'The payload: a JSON object. Nothing means `{}`.' });
const rpcError = (description: string) =>
  Type.Object({ code: Type.String(), description: Type.String(), details: Type.Object({}) }, { description });

const accepted = Type.Object(
  { code: Type.Enum(['OK']) },
  { description: 'Sent, or queued behind calls that the client has not answered yet.' },
);
const errors = {
  ...COMMAND_ERRORS,
  404: errorSchema('NOT_FOUND: no client has this identity (any more); nothing was sent.'),
  413: errorSchema('MESSAGE_TOO_LONG: over MAX_MESSAGE_BYTES; nothing was sent.'),
  429: errorSchema(
    'SLOW_CLIENT: OCPP_QUEUE calls wait for this client already, or it reads too slowly; nothing was sent, see Retry-After.',
  ),
};

export const callSchema = {
  operationId: 'ocppCall',
  tags: ['ocpp'],
  summary: 'Call a client',
  description:
    'Becomes `[2, messageId, action, payload]`. Answered 202 at once, and the client’s answer comes as an event of its own; with `wait` the answer is the response.',
  params,
  querystring: Type.Object({ wait: Type.Optional(Type.Integer({ minimum: 1, description: 'ms to wait for the client’s answer.' })) }),
  body: payload,
  response: {
    200: Type.Object({}, { description: 'With `wait`: the payload of the client’s CALLRESULT.' }),
    202: accepted,
    ...errors,
    409: errorSchema('CONFLICT: a call with this message id is in progress with this client; nothing was sent.'),
    422: rpcError('With `wait`: the client’s CALLERROR.'),
    504: errorSchema('GATEWAY_TIMEOUT: with `wait`: the client did not answer in that time. A later answer is dropped.'),
  },
};

export const sendSchema = {
  operationId: 'ocppSend',
  tags: ['ocpp'],
  summary: 'Send an unconfirmed message to a client (OCPP 2.1)',
  description: 'Becomes `[6, messageId, action, payload]`. It waits for nothing, and nothing answers it.',
  params,
  body: payload,
  response: { 202: accepted, ...errors, 409: errorSchema('CONFLICT: the version that this client speaks has no SEND; nothing was sent.') },
};

export const resultErrorSchema = {
  operationId: 'ocppResultError',
  tags: ['ocpp'],
  summary: 'Reject the result of a client (OCPP 2.1)',
  description: 'Becomes `[5, messageId, code, description, details]`, with the message id of the CALLRESULT that it rejects.',
  params,
  body: rpcError('Why the result cannot be used. Without a known code: FormatViolation.'),
  response: {
    202: accepted,
    ...errors,
    409: errorSchema('CONFLICT: the version that this client speaks has no CALLRESULTERROR; nothing was sent.'),
  },
};

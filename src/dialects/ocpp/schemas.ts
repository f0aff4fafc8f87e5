import { Type } from 'typebox';
import { BODY_ERRORS, COMMAND_ERRORS, errorSchema, RETRY_AFTER } from '../../wire/error-schemas.ts';

/** What the OpenAPI document says of this dialect. Requests are checked by hand in `routes.ts`, with errors that speak. */
const address = {
  action: Type.String({ description: 'The name of the message, without "Request".', examples: ['Reset'] }),
  clientId: Type.String({ description: "The client's identity: the last segment of its path.", examples: ['CP-1'] }),
  messageId: Type.String({ description: 'Of your choice; unique for this client, 1 to 36 characters.', examples: ['m1'] }),
};
const params = Type.Object(address);
const payload = (description: string, example: object) =>
  Type.Object({}, { title: 'Payload', description, additionalProperties: true, examples: [example] });
const body = payload('The payload: a JSON object. Nothing means `{}`.', { type: 'Soft' });
/** A CALLERROR, whichever way it goes. */
export const rpcErrorSchema = Type.Object(
  {
    code: Type.String({ description: 'An error code of OCPP-J; another becomes InternalError.' }),
    description: Type.String(),
    details: Type.Object({}, { additionalProperties: true }),
  },
  { title: 'RpcError', description: 'A CALLERROR.', examples: [{ code: 'NotSupported', description: '', details: {} }] },
);
/** What a backend may leave out, it leaves to the gateway. */
const rejection = Type.Object(
  {
    code: Type.Optional(Type.String()),
    description: Type.Optional(Type.String()),
    details: Type.Optional(Type.Object({}, { additionalProperties: true })),
  },
  {
    title: 'Rejection',
    description: 'Why the result cannot be used. Without a known code: FormatViolation.',
    examples: [{ code: 'FormatViolation', description: 'no status', details: {} }],
  },
);

const accepted = Type.Object(
  { code: Type.Enum(['OK']) },
  { title: 'Done', description: 'Sent, or queued behind calls that the client has not answered yet.', examples: [{ code: 'OK' }] },
);
const errors = {
  ...COMMAND_ERRORS,
  404: errorSchema('NOT_FOUND: no client has this identity (any more); nothing was sent.'),
  ...BODY_ERRORS,
  429: errorSchema(
    'SLOW_CLIENT: OCPP_QUEUE calls wait for this client already, or it reads too slowly; nothing was sent, see Retry-After.',
    RETRY_AFTER,
  ),
};

export const callSchema = {
  operationId: 'ocppCall',
  tags: ['ocpp'],
  summary: 'Call a client',
  description:
    'Becomes `[2, messageId, action, payload]`. Answered 202 at once, and the client’s answer comes as an event of its own; with `wait` the answer is the response.',
  params,
  querystring: Type.Object({
    wait: Type.Optional(Type.Integer({ minimum: 1, examples: [5_000], description: 'ms to wait for the client’s answer.' })),
  }),
  body,
  response: {
    200: payload('With `wait`: the payload of the client’s CALLRESULT.', { status: 'Accepted' }),
    202: accepted,
    ...errors,
    409: errorSchema('CONFLICT: a call with this message id is in progress with this client; nothing was sent.'),
    422: { ...rpcErrorSchema, description: 'With `wait`: the client’s CALLERROR.' },
    504: errorSchema('GATEWAY_TIMEOUT: with `wait`: the client did not answer in that time. A later answer is dropped.'),
  },
};

export const sendSchema = {
  operationId: 'ocppSend',
  tags: ['ocpp'],
  summary: 'Send an unconfirmed message to a client (OCPP 2.1)',
  description: 'Becomes `[6, messageId, action, payload]`. It waits for nothing, and nothing answers it.',
  params,
  body,
  response: { 202: accepted, ...errors, 409: errorSchema('CONFLICT: the version that this client speaks has no SEND; nothing was sent.') },
};

export const resultErrorSchema = {
  operationId: 'ocppResultError',
  tags: ['ocpp'],
  summary: 'Reject the result of a client (OCPP 2.1)',
  description: 'Becomes `[5, messageId, code, description, details]`, with the message id of the CALLRESULT that it rejects.',
  params,
  body: rejection,
  response: {
    202: accepted,
    ...errors,
    409: errorSchema('CONFLICT: the version that this client speaks has no CALLRESULTERROR; nothing was sent.'),
  },
};

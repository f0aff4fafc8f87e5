import { Type } from 'typebox';
import { answer, closeBody, closeHeaders, closeResponses, eventHeaders, header, json, openBody } from '../../wire/webhook-parts.ts';

const payload = Type.Object({}, { description: 'The payload, as the client sent it.', additionalProperties: true });
const rpcError = Type.Object({
  code: Type.String({ description: 'An error code of OCPP-J; another becomes InternalError.' }),
  description: Type.String(),
  details: Type.Object({}, { additionalProperties: true }),
});
const parameters = [...eventHeaders, header('WS-Subprotocol', 'The version of OCPP that the client speaks.')];
const repeated = {
  200: answer('Delivered.'),
  '4XX': answer('Delivered; counted and logged.'),
  '5XX': answer('502, 503 and 504 are repeated.'),
};

/** What travels up and gets no answer. */
const told = (operationId: string, summary: string, body: object) => ({
  post: { operationId, tags: ['events'], summary, security: [], parameters, requestBody: json(body), responses: repeated },
});

/** What the gateway asks of a backend, for the OpenAPI document (CONTRACT §6). */
export const ocppWebhooks = {
  ocppConnect: {
    post: {
      operationId: 'onOcppConnect',
      tags: ['events'],
      summary: 'Dialect ocpp: a client wants in: POST <backend>/connect/<ClientId>',
      security: [],
      parameters,
      requestBody: json(openBody),
      responses: { '2XX': answer('It comes in.'), 401: answer('Wrong credentials.'), 404: answer('Unknown identity.') },
    },
    delete: {
      operationId: 'onOcppDisconnect',
      tags: ['events'],
      summary: 'Dialect ocpp: a connection has ended: DELETE <backend>/connect/<ClientId>',
      security: [],
      parameters: closeHeaders,
      requestBody: json(closeBody),
      responses: closeResponses,
    },
  },
  ocppCall: {
    post: {
      operationId: 'onOcppCall',
      tags: ['events'],
      summary: 'Dialect ocpp: a client calls: POST <backend>/call/<Action>/<ClientId>/<MessageId>',
      security: [],
      parameters,
      requestBody: json(payload),
      responses: {
        200: answer('Becomes the CALLRESULT; nothing means `{}`.', payload),
        '4XX': answer('Becomes the CALLERROR.', rpcError),
        '5XX': answer('Becomes the CALLERROR.', rpcError),
      },
    },
  },
  ocppResult: told('onOcppResult', 'Dialect ocpp: the answer to your call: POST <backend>/result/<Action>/<ClientId>/<MessageId>', payload),
  ocppError: told(
    'onOcppError',
    'Dialect ocpp: the error answer to your call: POST <backend>/error/<Action>/<ClientId>/<MessageId>',
    rpcError,
  ),
  ocppSend: told('onOcppSend', 'Dialect ocpp (2.1): an unconfirmed message: POST <backend>/send/<Action>/<ClientId>/<MessageId>', payload),
  ocppResultError: told(
    'onOcppResultError',
    'Dialect ocpp (2.1): your answer was rejected: POST <backend>/resulterror/<Action>/<ClientId>/<MessageId>',
    rpcError,
  ),
};

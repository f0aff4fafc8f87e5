import { Type } from 'typebox';
import {
  answer,
  closeBody,
  closeHeaders,
  closeResponses,
  eventHeaders,
  header,
  json,
  openBody,
  RETRIED,
  SET_TAGS,
} from '../../wire/webhook-parts.ts';
import { rpcErrorSchema } from './schemas.ts';

const payload = Type.Object(
  {},
  { title: 'Payload', description: 'The payload, as the client sent it.', additionalProperties: true, examples: [{ status: 'Accepted' }] },
);
const parameters = [...eventHeaders, header('WS-Subprotocol', 'The version of OCPP that the client speaks.')];
const repeated = {
  '2XX': answer('Delivered.', undefined, SET_TAGS),
  '4XX': answer('Delivered; counted and logged.'),
  '5XX': answer('502, 503 and 504 are repeated; others count as delivered.', undefined, RETRIED),
};

/** What travels up and gets no answer. */
const told = (operationId: string, summary: string, body: object) => ({
  post: { operationId, tags: ['events'], summary, security: [], parameters, requestBody: json(body), responses: repeated },
});

/** What the gateway asks of a backend, for the OpenAPI document (docs/dialects/ocpp.md#what-your-backend-is-asked). */
export const ocppWebhooks = {
  ocppConnect: {
    post: {
      operationId: 'onOcppConnect',
      tags: ['events'],
      summary: 'Dialect ocpp: a client wants in: POST <backend>/connect/<ClientId>',
      security: [],
      parameters,
      requestBody: json(openBody),
      responses: {
        '2XX': answer('It comes in.', undefined, SET_TAGS),
        401: answer('Wrong credentials.'),
        404: answer('Unknown identity.'),
      },
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
        '2XX': answer('Becomes the CALLRESULT; nothing means `{}`.', payload, SET_TAGS),
        '4XX': answer('Becomes the CALLERROR.', rpcErrorSchema),
        '5XX': answer('Becomes the CALLERROR.', rpcErrorSchema),
      },
    },
  },
  ocppResult: told('onOcppResult', 'Dialect ocpp: the answer to your call: POST <backend>/result/<Action>/<ClientId>/<MessageId>', payload),
  ocppError: told(
    'onOcppError',
    'Dialect ocpp: the error answer to your call: POST <backend>/error/<Action>/<ClientId>/<MessageId>',
    rpcErrorSchema,
  ),
  ocppSend: told('onOcppSend', 'Dialect ocpp (2.1): an unconfirmed message: POST <backend>/send/<Action>/<ClientId>/<MessageId>', payload),
  ocppResultError: told(
    'onOcppResultError',
    'Dialect ocpp (2.1): your answer was rejected: POST <backend>/resulterror/<Action>/<ClientId>/<MessageId>',
    rpcErrorSchema,
  ),
};

import { Type } from 'typebox';
import { answer, json } from '../../wire/webhook-parts.ts';

const CONTEXT = {
  routeKey: '$connect',
  eventType: 'CONNECT',
  extendedRequestId: 'Ab3dEf5hIj7lMnM=',
  requestTime: '09/Feb/2026:18:11:43 +0000',
  messageDirection: 'IN',
  stage: 'prod',
  connectedAt: 1_770_660_703_419,
  requestTimeEpoch: 1_770_660_703_420,
  identity: { sourceIp: '192.0.2.7', userAgent: 'x/1' },
  requestId: 'Ab3dEf5hIj7lMnM=',
  domainName: 'gw.example.com',
  connectionId: 'Zz9yXw7vUt5sRqQ=',
  apiId: 'chat000001',
  callbackUrl: 'https://gw.example.com/prod',
};

type Own = { readonly context?: object; readonly rest: object };

const event = (title: string, description: string, { context, rest }: Own) =>
  Type.Object(
    { requestContext: Type.Object({}, { title: 'AwsRequestContext', additionalProperties: true }), isBase64Encoded: Type.Boolean() },
    {
      title,
      description,
      additionalProperties: true,
      examples: [{ ...rest, requestContext: { ...CONTEXT, ...context }, isBase64Encoded: false }],
    },
  );

const connectEvent = event('AwsConnectEvent', 'The event of $connect, as AWS sends it.', {
  rest: { headers: { Host: 'gw.example.com' }, multiValueHeaders: { Host: ['gw.example.com'] } },
});
const messageEvent = event('AwsMessageEvent', 'The event of a message, as AWS sends it.', {
  rest: { body: '{"action":"sendmessage","data":"hi"}' },
  context: { routeKey: 'sendmessage', eventType: 'MESSAGE', messageId: 'Mm1nBb2vCc3xZz4=' },
});
const disconnectEvent = event('AwsDisconnectEvent', 'The event of $disconnect, as AWS sends it.', {
  rest: { headers: { Host: 'gw.example.com', 'x-api-key': '', 'X-Forwarded-For': '', 'x-restapi': '' } },
  context: {
    routeKey: '$disconnect',
    eventType: 'DISCONNECT',
    disconnectStatusCode: 1005,
    disconnectReason: 'Client-side close frame status not set',
  },
});

const result = Type.Object(
  {
    statusCode: Type.Integer(),
    headers: Type.Optional(Type.Record(Type.String(), Type.String())),
    body: Type.Optional(Type.String()),
    isBase64Encoded: Type.Optional(Type.Boolean()),
  },
  { title: 'AwsResult', examples: [{ statusCode: 200 }] },
);

const told = (operationId: string, summary: string, exchange: { readonly requestBody: object; readonly responses: object }) => ({
  post: { operationId, tags: ['events'], summary, security: [], ...exchange },
});

/** What the gateway asks of a target of type webhook, for the OpenAPI document (docs/dialects/aws.md#events). */
export const awsWebhooks = {
  awsConnect: told('onAwsConnect', 'Dialect aws: a client wants in: POST <target url>', {
    requestBody: json(connectEvent),
    responses: {
      '2XX': answer('It comes in. With `answer: envelope` the status is that of the body.', result),
      default: answer('The client is refused with this status and body.'),
    },
  }),
  awsMessage: told('onAwsMessage', 'Dialect aws: a client sent a message: POST <target url>', {
    requestBody: json(messageEvent),
    responses: {
      '2XX': answer('Taken. On a route with `routeResponse` the body goes back to the client.', result),
      503: answer('Held and told again, until the time of the route is over.'),
      default: answer('Taken; from 500 on the client gets the frame "Internal server error".'),
    },
  }),
  awsDisconnect: told('onAwsDisconnect', 'Dialect aws: a connection has ended: POST <target url>', {
    requestBody: json(disconnectEvent),
    responses: {
      '2XX': answer('Heard.'),
      default: answer('Told again, but for 404 and 410.'),
    },
  }),
};

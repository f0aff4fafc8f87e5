import { Type } from 'typebox';
import { RETRY_AFTER } from '../../wire/error-schemas.ts';

const params = Type.Object({
  id: Type.String({
    description: 'The `connectionId` of the events. `/<stage>` before the path is as good as none.',
    examples: ['Zz9yXw7vUt5sRqQ='],
  }),
});

const HEADERS = {
  'x-amzn-ErrorType': { type: 'string', description: 'The name that the SDKs make an error class of.', examples: ['GoneException'] },
  'x-amzn-RequestId': { type: 'string', description: 'Of this call.' },
};

const error = (name: string, description: string, headers: Readonly<Record<string, object>> = {}) =>
  Type.Object(
    { message: Type.String() },
    {
      title: 'AwsError',
      description: `${name}: ${description}`,
      headers: { ...HEADERS, ...headers },
      examples: [{ message: description }],
    },
  );

/** An answer without a body. */
const done = (description: string) => ({ description, headers: { 'x-amzn-RequestId': HEADERS['x-amzn-RequestId'] }, type: 'null' });

const ERRORS = {
  400: error('BadRequestException', 'no id of a connection, or a parameter that is not known'),
  403: error('ForbiddenException', 'the caller may not: its address, its signature, its token, or its path'),
  410: error('GoneException', 'no connection has this id (any more); nothing was sent'),
  503: error('ServiceUnavailableException', 'the process that owns the connection cannot be asked now', RETRY_AFTER),
  504: error('GatewayTimeoutException', 'the process that owns the connection did not answer in time'),
};

export const postSchema = {
  operationId: 'awsPostToConnection',
  tags: ['commands'],
  summary: 'Dialect aws: PostToConnection: push one message',
  params,
  querystring: Type.Object({
    frame: Type.Optional(
      Type.Enum(['text', 'binary'], { description: 'The frame. Default: text for UTF-8, else binary.', examples: ['binary'] }),
    ),
  }),
  requestBody: {
    description: 'One message, whatever its type says.',
    content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } },
  },
  response: {
    200: done('Handed to the socket of a live connection.'),
    202: done('$connect is still being answered: sent right after the upgrade, dropped if the client is refused.'),
    ...ERRORS,
    413: error('PayloadTooLargeException', 'over MAX_MESSAGE_BYTES; nothing was sent'),
    429: error('LimitExceededException', 'the client reads too slowly; nothing was sent', RETRY_AFTER),
  },
};

export const getSchema = {
  operationId: 'awsGetConnection',
  tags: ['commands'],
  summary: 'Dialect aws: GetConnection: describe a client',
  params,
  response: {
    200: Type.Object(
      {
        connectedAt: Type.String({ format: 'date-time' }),
        identity: Type.Object(
          { sourceIp: Type.String(), userAgent: Type.Union([Type.String(), Type.Null()]) },
          { title: 'AwsIdentity', examples: [{ sourceIp: '192.0.2.7', userAgent: 'x/1' }] },
        ),
        lastActiveAt: Type.String({ format: 'date-time', description: 'The last frame of the client, a pong too.' }),
      },
      {
        title: 'AwsConnection',
        description: 'A connection, as it is now.',
        examples: [
          {
            connectedAt: '2026-02-09T18:11:43.419Z',
            identity: { sourceIp: '192.0.2.7', userAgent: 'x/1' },
            lastActiveAt: '2026-02-09T18:12:01.007Z',
          },
        ],
      },
    ),
    ...ERRORS,
  },
};

export const deleteSchema = {
  operationId: 'awsDeleteConnection',
  tags: ['commands'],
  summary: 'Dialect aws: DeleteConnection: close a client',
  params,
  querystring: Type.Object({
    code: Type.Optional(Type.Integer({ examples: [4001], description: '1000 (default), 1001, 1003, 1007 to 1014 or 3000 to 4999.' })),
    reason: Type.Optional(
      Type.String({ examples: ['bye'], description: 'At most 123 bytes. Default: `Connection Closed Normally` for 1000.' }),
    ),
  }),
  response: { 204: done('The closing handshake has begun.'), ...ERRORS },
};

import { Type } from 'typebox';

/** What the gateway asks of a backend, for the OpenAPI document (CONTRACT §3). */
const header = (name: string, description: string, required = true) => ({
  name,
  in: 'header',
  required,
  description,
  schema: { type: 'string' },
});

const headers = [
  header('WS-URI', 'Where to push to this client and where to close it.'),
  header('WS-Connection', "The connection's id."),
  header('WS-Event', '`open`, `message` or `close`.'),
  header('WS-Event-Id', 'Unique, and equal on every repetition of this event.'),
  header('WS-Seq', '0 for open, then 1, 2, …; absent on the close event of a connection whose process died.', false),
  header('WS-Tags', "The connection's tags, urlencoded, if it has any.", false),
  header('WS-Data', 'What the open verdict gave as `data`, if anything.', false),
  header('traceparent', 'W3C Trace Context.'),
];

const answer = (description: string, schema?: object) => ({ description, ...(schema && { content: { 'application/json': { schema } } }) });

const openBody = Type.Object({
  code: Type.Enum(['NEW_CONNECTION']),
  ws_uri: Type.String(),
  timeout: Type.Integer({ description: 'WS_TIMEOUT in ms.' }),
  id: Type.String(),
  path: Type.String({ description: 'As the client sent it.' }),
  query: Type.Record(Type.String(), Type.Union([Type.String(), Type.Array(Type.String())])),
  subprotocols: Type.Array(Type.String()),
  remote_address: Type.String(),
});

const openVerdict = Type.Object({
  code: Type.String({ description: '`OK` lets the client in; anything else refuses it with 403.' }),
  tags: Type.Optional(Type.Record(Type.String(), Type.String())),
  data: Type.Optional(Type.String({ description: 'Visible ASCII up to 4096 bytes; comes back as WS-Data.' })),
  subprotocol: Type.Optional(Type.String({ description: 'One of those offered.' })),
  message: Type.Optional(Type.String({ description: 'Sent to the client first.' })),
  headers: Type.Optional(Type.Object({}, { description: '`Set-Cookie` and `X-*` of the 101.', additionalProperties: true })),
});

const closeBody = Type.Object({
  code: Type.Enum(['CONNECTION_CLOSE']),
  ws_uri: Type.String(),
  id: Type.String(),
  close_code: Type.Integer(),
  close_reason: Type.String(),
});

const json = (schema: object) => ({ required: true, content: { 'application/json': { schema } } });
const retried = answer('502, 503 and 504 are repeated, with the same WS-Event-Id.');

export const wsaasWebhooks = {
  open: {
    post: {
      operationId: 'onOpen',
      tags: ['events'],
      summary: 'A client wants in: POST API_URI',
      security: [],
      parameters: headers,
      requestBody: json(openBody),
      responses: { 200: answer('The verdict.', openVerdict), '4XX': answer('Refused with this status.') },
    },
  },
  message: {
    put: {
      operationId: 'onMessage',
      tags: ['events'],
      summary: 'A client sent a message: PUT API_URI',
      security: [],
      parameters: headers,
      requestBody: {
        required: true,
        content: {
          'text/plain': { schema: { type: 'string' } },
          'application/json': { schema: {} },
          'application/octet-stream': { schema: { type: 'string', format: 'binary' } },
        },
      },
      responses: {
        200: answer('Delivered. `WS-Set-Tags` (urlencoded) sets tags.'),
        '4XX': answer('Delivered; counted and logged.'),
        '5XX': retried,
      },
    },
  },
  close: {
    delete: {
      operationId: 'onClose',
      tags: ['events'],
      summary: 'A connection has ended: DELETE API_URI',
      security: [],
      parameters: [
        ...headers,
        header('WS-Close-Code', 'The code of the close frame that ended it, else 1006.'),
        header('WS-Close-Reason', 'Percent-encoded.'),
        header('WS-Orphan', '`true` if the process that held the connection died; then Authorization is absent.', false),
      ],
      requestBody: json(closeBody),
      responses: {
        200: answer('Delivered; so are 404 and 410.'),
        '4XX': answer('Repeated, except 404 and 410.'),
        '5XX': answer('Repeated.'),
      },
    },
  },
};

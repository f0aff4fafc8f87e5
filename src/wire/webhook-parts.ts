import { Type } from 'typebox';

/** A header that we send. */
export const header = (name: string, description: string, required = true) => ({
  name,
  in: 'header',
  required,
  description,
  schema: { type: 'string' },
});

/** What every event carries, whatever its dialect (docs/contract.md#event-headers). */
export const eventHeaders = [
  header('WS-URI', 'Where to push to this client and where to close it.'),
  header('WS-Connection', "The connection's id."),
  header('WS-Event', '`open`, `message` or `close`.'),
  header('WS-Event-Id', 'Unique, and equal on every repetition of this event.'),
  header('WS-Seq', '0 for open, then 1, 2, …; absent on the close event of a connection whose process died.', false),
  header('WS-Tags', "The connection's tags, urlencoded, if it has any.", false),
  header('WS-Data', 'What the open verdict gave as `data`, if anything.', false),
  header('traceparent', 'W3C Trace Context.'),
  header('tracestate', "What came with the client's `traceparent`, if anything.", false),
];

type Headers = Readonly<Record<string, object>>;

/** Headers of a backend's answer that the gateway reads. */
export const SET_TAGS: Headers = {
  'WS-Set-Tags': { description: 'Tags to set, urlencoded; an empty value deletes.', schema: { type: 'string' }, example: 'room=2&seen=' },
};
export const RETRIED: Headers = {
  'Retry-After': {
    description: 'Seconds or a date; makes the wait before the next try longer, never shorter.',
    schema: { type: 'string' },
    example: '2',
  },
};

/** What a backend may answer. */
export const answer = (description: string, schema?: object, headers?: Headers) => ({
  description,
  ...(headers && { headers }),
  ...(schema && { content: { 'application/json': { schema } } }),
});

/** The same as words. */
export const textAnswer = (description: string, example: string, headers?: Headers) => ({
  description,
  ...(headers && { headers }),
  content: { 'text/plain': { schema: { type: 'string' }, example } },
});

/** What goes back to the client, where something does. */
export const replyAnswer = (description: string) => ({
  description: `${description}, binary for \`application/octet-stream\`, else as text.`,
  headers: SET_TAGS,
  content: {
    'text/plain': { schema: { type: 'string' }, example: 'fine, and you?' },
    'application/octet-stream': { schema: { type: 'string', format: 'binary' } },
  },
});

/** What every `close` event carries. */
export const closeHeaders = [
  ...eventHeaders,
  header('WS-Close-Code', 'The code of the close frame that ended it, else 1006.'),
  header('WS-Close-Reason', 'Percent-encoded.'),
  header('WS-Orphan', '`true` if the process that held the connection died; then Authorization is absent.', false),
];

/** A JSON body. */
export const json = (schema: object) => ({ required: true, content: { 'application/json': { schema } } });

const id = '5ZZ67aPd18ceCkFuaAowW46QFZU9Do';
const wsUri = `localhost:8080/${id}`;

/** The body of an `open` event. */
export const openBody = Type.Object(
  {
    code: Type.Enum(['NEW_CONNECTION']),
    ws_uri: Type.String({ description: 'Where to push to this client and where to close it.' }),
    timeout: Type.Integer({ description: 'WS_TIMEOUT in ms.' }),
    id: Type.String(),
    path: Type.String({ description: 'As the client sent it.' }),
    query: Type.Record(Type.String(), Type.Union([Type.String(), Type.Array(Type.String())]), {
      description: 'An array where a name repeats.',
    }),
    subprotocols: Type.Array(Type.String(), { description: 'Those that the client offers.' }),
    remote_address: Type.String(),
  },
  {
    title: 'OpenEvent',
    examples: [
      {
        code: 'NEW_CONNECTION',
        ws_uri: wsUri,
        timeout: 30_000,
        id,
        path: '/chat',
        query: { room: '1' },
        subprotocols: [],
        remote_address: '203.0.113.7',
      },
    ],
  },
);

/** The body of a `close` event. */
export const closeBody = Type.Object(
  {
    code: Type.Enum(['CONNECTION_CLOSE']),
    ws_uri: Type.String(),
    id: Type.String(),
    close_code: Type.Integer({ description: 'That of the close frame that ended it, else 1006.' }),
    close_reason: Type.String(),
  },
  { title: 'CloseEvent', examples: [{ code: 'CONNECTION_CLOSE', ws_uri: wsUri, id, close_code: 4001, close_reason: 'bye' }] },
);

export const closeResponses = {
  '2XX': answer('Delivered.'),
  404: answer('Delivered: the backend does not know it (any more).'),
  410: answer('Delivered.'),
  default: answer('Repeated until CLOSE_RETRY_FOR_MS is over.', undefined, RETRIED),
};

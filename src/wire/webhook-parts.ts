import { Type } from 'typebox';

/** A header that we send. */
export const header = (name: string, description: string, required = true) => ({
  name,
  in: 'header',
  required,
  description,
  schema: { type: 'string' },
});

/** What every event carries, whatever its dialect (CONTRACT §3). */
export const eventHeaders = [
  header('WS-URI', 'Where to push to this client and where to close it.'),
  header('WS-Connection', "The connection's id."),
  header('WS-Event', '`open`, `message` or `close`.'),
  header('WS-Event-Id', 'Unique, and equal on every repetition of this event.'),
  header('WS-Seq', '0 for open, then 1, 2, …; absent on the close event of a connection whose process died.', false),
  header('WS-Tags', "The connection's tags, urlencoded, if it has any.", false),
  header('WS-Data', 'What the open verdict gave as `data`, if anything.', false),
  header('traceparent', 'W3C Trace Context.'),
];

/** What a backend may answer. */
export const answer = (description: string, schema?: object) => ({
  description,
  ...(schema && { content: { 'application/json': { schema } } }),
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

/** The body of an `open` event. */
export const openBody = Type.Object({
  code: Type.Enum(['NEW_CONNECTION']),
  ws_uri: Type.String(),
  timeout: Type.Integer({ description: 'WS_TIMEOUT in ms.' }),
  id: Type.String(),
  path: Type.String({ description: 'As the client sent it.' }),
  query: Type.Record(Type.String(), Type.Union([Type.String(), Type.Array(Type.String())])),
  subprotocols: Type.Array(Type.String()),
  remote_address: Type.String(),
});

/** The body of a `close` event. */
export const closeBody = Type.Object({
  code: Type.Enum(['CONNECTION_CLOSE']),
  ws_uri: Type.String(),
  id: Type.String(),
  close_code: Type.Integer(),
  close_reason: Type.String(),
});

export const closeResponses = {
  200: answer('Delivered; so are 404 and 410.'),
  '4XX': answer('Repeated, except 404 and 410.'),
  '5XX': answer('Repeated.'),
};

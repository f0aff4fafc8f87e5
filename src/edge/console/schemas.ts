import { Type } from 'typebox';
import { CLOSE } from '../../core/close-codes.ts';
import { DESCRIBED, descriptionSchema } from '../../wire/description.ts';
import { ACCESS_ERRORS, errorSchema, INCOMPLETE, RETRY_AFTER } from '../../wire/error-schemas.ts';

/** What the OpenAPI document says of the console's own requests. */
const tags = ['operations'];
const text = (description: string, examples: string[]) => Type.Optional(Type.String({ description, examples }));
const limit = (standard: number, maximum: number) =>
  Type.Optional(Type.Integer({ minimum: 1, maximum, description: `Of a page; ${standard} if nothing is said.` }));
const pairs = text('Tags that must have these values, urlencoded; all must match.', ['room=1']);

const END = {
  type: 'closed',
  at: 1_795_860_000_000,
  id: '5ZZ67aPd18ceCkFuaAowW46QFZU9Do',
  route: 'default',
  path: '/chat',
  trace: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  code: CLOSE.NORMAL,
  reason: 'bye',
  by: 'client',
  openMs: 5_012,
  messages: 3,
  node: 'gateway-1',
};
const FAILURE = {
  type: 'answered',
  at: 1_795_860_000_000,
  id: '5ZZ67aPd18ceCkFuaAowW46QFZU9Do',
  route: 'default',
  path: '/chat',
  trace: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  seq: 2,
  bytes: 5,
  isBinary: false,
  payload: null,
  verdict: 'retry',
  because: 'status 503',
  ms: 12.5,
  node: 'gateway-1',
};

const sighting = Type.Object(
  {
    type: Type.String({
      description: '`opened`, `refused`, `received`, `answered`, `pushed`, `push-refused`, `closed` or `close-answered`.',
    }),
    at: Type.Number({ description: 'Epoch ms.' }),
    node: Type.String({ description: 'NODE_NAME of the gateway that saw it.' }),
    route: Type.String(),
    path: Type.String({ description: 'At most 200 characters of it.' }),
    id: Type.Optional(Type.String({ description: 'Of the connection; a refused client has none.' })),
    trace: Type.Optional(Type.String({ description: 'The `traceparent` that the backend got.' })),
    seq: Type.Optional(Type.Integer({ description: 'Of the message on its connection.' })),
    bytes: Type.Optional(Type.Integer()),
    isBinary: Type.Optional(Type.Boolean()),
    payload: Type.Optional(Type.Union([Type.String(), Type.Null()], { description: 'As CONSOLE_PAYLOADS allows.' })),
    tags: Type.Optional(Type.Record(Type.String(), Type.String())),
    verdict: Type.Optional(Type.String({ description: '`delivered`, `complained`, `retry` or `failed`.' })),
    because: Type.Optional(Type.Union([Type.String(), Type.Null()], { description: 'What was said against it.' })),
    ms: Type.Optional(Type.Number({ description: 'How long the backend took.' })),
    code: Type.Optional(Type.Integer({ description: 'Close code, or the status of a refusal.' })),
    reason: Type.Optional(Type.String()),
    by: Type.Optional(
      Type.String({ description: 'Who ended it: `client`, `network`, `backend`, `gateway`, or `crash` of the process that held it.' }),
    ),
    openMs: Type.Optional(Type.Union([Type.Number(), Type.Null()])),
    messages: Type.Optional(Type.Union([Type.Integer(), Type.Null()], { description: 'That its client sent.' })),
  },
  { title: 'Sighting', description: 'What was seen; docs/console.md tells what each type has of these.', examples: [FAILURE] },
);

const list = (title: string, description: string, example: object) =>
  ({
    ...Type.Object({ [title === 'Ends' ? 'ends' : 'failures']: Type.Array(sighting) }, { title, description, examples: [example] }),
    headers: INCOMPLETE,
  }) as object;

export const endsSchema = {
  operationId: 'ends',
  tags,
  summary: 'Why the last connections were closed, newest first',
  querystring: Type.Object({
    id: text('Of this connection only.', ['5ZZ67aPd18ceCkFuaAowW46QFZU9Do']),
    code: Type.Optional(Type.Integer({ description: 'With this close code only.', examples: [1006] })),
    limit: limit(100, 500),
  }),
  response: { 200: list('Ends', 'The last CONSOLE_ENDS of each process are remembered.', { ends: [END] }), ...ACCESS_ERRORS },
};

export const failuresSchema = {
  operationId: 'failures',
  tags,
  summary: 'The last refused clients and failed calls to backends, newest first',
  querystring: Type.Object({ limit: limit(100, 500) }),
  response: { 200: list('Failures', 'The last 1,000 of each process are remembered.', { failures: [FAILURE] }), ...ACCESS_ERRORS },
};

export const searchSchema = {
  operationId: 'searchConnections',
  tags,
  summary: 'Connections by id, path and tags, in pages',
  querystring: Type.Object({
    id: text('The id, or a part of it.', ['5ZZ67']),
    path: text('A part of the path.', ['/chat']),
    tags: pairs,
    limit: limit(50, 200),
    cursor: Type.Optional(Type.String({ description: 'The `next` of the page before.' })),
  }),
  response: {
    200: {
      ...Type.Object(
        {
          connections: Type.Array(descriptionSchema),
          next: Type.Union([Type.String(), Type.Null()], {
            description:
              'The `cursor` of the next page; null: there is none. A page may be short or empty though there is one: without tags, one request looks at 10,000 connections of a process.',
          }),
        },
        { title: 'SearchPage', description: 'Those that match.', examples: [{ connections: [DESCRIBED], next: null }] },
      ),
      headers: INCOMPLETE,
    } as object,
    ...ACCESS_ERRORS,
  },
};

export const eventsSchema = {
  operationId: 'watch',
  tags,
  summary: 'What happens, as it happens, as server-sent events',
  querystring: Type.Object({
    id: text('Of this connection only; then also messages that were only read.', ['5ZZ67aPd18ceCkFuaAowW46QFZU9Do']),
    route: text('Of this route only.', ['/chat/:room']),
    tags: pairs,
    figures: Type.Optional(Type.Enum(['true'], { description: 'Also figures of each process, every second.' })),
  }),
  response: {
    200: {
      description:
        'A stream of events, each with one line of JSON: `hello`, `sightings` (a list), `missed` (how many were left out), `figures`, `absent` (who does not answer), `end` (why the gateway ended the stream).',
      content: {
        'text/event-stream': {
          schema: Type.String({ examples: ['event: missed\ndata: {"count":3}\n\n'] }),
        },
      },
    },
    ...ACCESS_ERRORS,
    503: errorSchema('UNAVAILABLE: CONSOLE_WATCHERS watch already.', RETRY_AFTER),
  },
};

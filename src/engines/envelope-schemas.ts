import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { SEEN } from './seen-schema.ts';

/** What travels between the processes of a cluster, as it is written; a message's bytes stand behind the JSON, in order. */
const text = Type.String();
const nullable = <Schema extends Parameters<typeof Type.Union>[0][number]>(schema: Schema) => Type.Union([schema, Type.Null()]);
const count = Type.Integer({ minimum: 0 });
const pairs = Type.Array(Type.Tuple([text, text]));
const message = Type.Object({ isBinary: Type.Boolean(), bytes: count });
const rpcError = Type.Object({ code: text, description: text, detailsJson: text });
const selector = Type.Object({
  type: Type.Union([Type.Literal('none'), Type.Literal('all'), Type.Literal('ids'), Type.Literal('tags')]),
  ids: Type.Array(text),
  tags: pairs,
  exclude: Type.Array(text),
});
const action = { id: text, messageId: text, action: text, payloadJson: text };

const within = { routes: Type.Optional(Type.Array(text)) };

const command = Type.Union([
  Type.Object({ type: Type.Literal('push'), id: text, message, idempotencyKey: nullable(text), ...within }),
  Type.Object({ type: Type.Literal('close'), id: text, code: Type.Integer(), reason: text, ...within }),
  Type.Object({ type: Type.Literal('describe'), id: text, onlyHolder: Type.Optional(Type.Literal(true)), ...within }),
  Type.Object({ type: Type.Literal('rpc-call'), ...action, waitMs: nullable(count) }),
  Type.Object({ type: Type.Literal('rpc-send'), ...action }),
  Type.Object({ type: Type.Literal('rpc-reject'), id: text, messageId: text, error: rpcError }),
]);

const question = Type.Union([
  Type.Object({
    type: Type.Literal('watch'),
    watch: text,
    filter: Type.Object({ id: nullable(text), route: nullable(text), tags: pairs }),
    wantsFigures: Type.Boolean(),
  }),
  Type.Object({ type: Type.Literal('ends'), id: nullable(text), code: nullable(Type.Integer()), limit: count }),
  Type.Object({ type: Type.Literal('failures'), limit: count }),
]);

const query = Type.Union([
  Type.Object({ type: Type.Literal('send'), selector, message }),
  Type.Object({ type: Type.Literal('set-tags'), selector, changes: pairs }),
  Type.Object({ type: Type.Literal('close-all'), selector, message: nullable(message), code: Type.Integer(), reason: text }),
  Type.Object({ type: Type.Literal('count'), selector }),
  Type.Object({ type: Type.Literal('tree') }),
  Type.Object({
    type: Type.Literal('list'),
    after: nullable(Type.Object({ owner: text, serial: count })),
    /** Null: all. */
    limit: nullable(count),
  }),
  Type.Object({
    type: Type.Literal('search'),
    search: Type.Object({ id: nullable(text), path: nullable(text), tags: pairs }),
    after: nullable(Type.Object({ owner: text, serial: count })),
    limit: count,
  }),
  Type.Object({ type: Type.Literal('observe'), question }),
  Type.Object({ type: Type.Literal('metrics') }),
]);

const descriptionFields = {
  id: text,
  namespace: text,
  path: text,
  tags: Type.Record(Type.String(), text),
  connectedAt: Type.Number(),
  lastActiveAt: Type.Number(),
  remoteAddress: text,
  subprotocol: nullable(text),
  node: text,
};

const outcome = Type.Union([
  ...(['sent', 'queued', 'closing', 'not-found', 'not-text', 'accepted'] as const).map((type) => Type.Object({ type: Type.Literal(type) })),
  ...(['invalid', 'unavailable', 'timeout', 'unanswered', 'conflict'] as const).map((type) =>
    Type.Object({ type: Type.Literal(type), detail: text }),
  ),
  Type.Object({ type: Type.Literal('too-long'), maxBytes: count }),
  Type.Object({ type: Type.Literal('slow'), retryAfterMs: count }),
  Type.Object({ type: Type.Literal('described'), description: Type.Object(descriptionFields), data: Type.Optional(nullable(text)) }),
  Type.Object({ type: Type.Literal('answered'), payloadJson: text }),
  Type.Object({ type: Type.Literal('rejected'), error: rpcError }),
]);

const part = Type.Object({
  node: text,
  owner: text,
  matched: count,
  sent: count,
  failed: count,
  problem: nullable(text),
  tree: nullable(Type.Record(Type.String(), Type.Record(Type.String(), count))),
  list: nullable(Type.Array(Type.Object({ ...descriptionFields, serial: count }))),
  metrics: nullable(Type.Array(Type.Unknown())),
  reached: nullable(count),
  seen: nullable(SEEN),
});

const numbered = { n: count, until: Type.Number() };

const item = Type.Union([
  Type.Object({ kind: Type.Literal('ask'), ...numbered, command }),
  Type.Object({ kind: Type.Literal('ask-all'), ...numbered, query }),
  Type.Object({ kind: Type.Literal('outcome'), n: count, outcome }),
  /** Null: it would have been too large for the engine. */
  Type.Object({ kind: Type.Literal('part'), n: count, part: nullable(part) }),
  Type.Object({ kind: Type.Literal('evict'), id: text, key: text }),
  Type.Object({ kind: Type.Literal('held'), id: text, key: text, stamp: Type.Number() }),
  Type.Object({ kind: Type.Literal('hello'), node: text }),
  Type.Object({ kind: Type.Literal('bye') }),
]);

const head = Type.Object({ from: Type.String({ pattern: '^[A-Za-z0-9_-]{6}$' }), items: Type.Array(Type.Unknown()) });

const entry = Type.Object({
  key: text,
  id: text,
  route: text,
  path: text,
  tags: nullable(Type.Record(Type.String(), text)),
  data: nullable(text),
});

export type WrittenItem = Static<typeof item>;
export const HEAD = Compile(head);
export const ITEM = Compile(item);
export const ENTRY = Compile(entry);

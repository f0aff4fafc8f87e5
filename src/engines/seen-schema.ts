import { Type } from 'typebox';

/** What a process saw (`core/sightings`), as it travels between processes. */
const text = Type.String();
const nullable = <Schema extends Parameters<typeof Type.Union>[0][number]>(schema: Schema) => Type.Union([schema, Type.Null()]);
const count = Type.Integer({ minimum: 0 });
const at = Type.Number();
const ms = Type.Number();

const of = { at, id: text, route: text, path: text, trace: text };
const frame = { bytes: count, isBinary: Type.Boolean(), payload: nullable(text) };
const answer = { because: nullable(text), ms };
const repeatable = Type.Union([Type.Literal('delivered'), Type.Literal('retry')]);
const endedBy = (['client', 'network', 'backend', 'gateway', 'crash'] as const).map((by) => Type.Literal(by));

const sighting = Type.Union([
  Type.Object({ type: Type.Literal('opened'), ...of, tags: Type.Record(Type.String(), text), ms }),
  Type.Object({ type: Type.Literal('refused'), at, route: text, path: text, code: Type.Integer(), reason: text, ...answer }),
  Type.Object({ type: Type.Literal('received'), ...of, ...frame, seq: count }),
  Type.Object({
    type: Type.Literal('answered'),
    ...of,
    ...frame,
    seq: count,
    verdict: Type.Union([repeatable, Type.Literal('complained'), Type.Literal('failed')]),
    ...answer,
  }),
  Type.Object({ type: Type.Literal('pushed'), ...of, ...frame }),
  Type.Object({ type: Type.Literal('push-refused'), ...of, because: text }),
  Type.Object({
    type: Type.Literal('closed'),
    ...of,
    code: Type.Integer(),
    reason: text,
    by: Type.Union(endedBy),
    openMs: nullable(ms),
    messages: nullable(count),
  }),
  Type.Object({ type: Type.Literal('close-answered'), ...of, verdict: repeatable, ...answer }),
]);

const figures = Type.Object({
  connections: count,
  closesPending: count,
  isDraining: Type.Boolean(),
  messagesReceived: count,
  pushesSent: count,
  bytesReceived: count,
  bytesSent: count,
  spans: Type.Array(count),
  loopDelayMs: ms,
  memoryBytes: count,
  uptimeSeconds: count,
});

export const SEEN = Type.Object({
  sightings: Type.Array(sighting),
  missed: count,
  figures: nullable(figures),
  problem: nullable(text),
});

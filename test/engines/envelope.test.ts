import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assert as holds, nat, property, uint8Array } from 'fast-check';
import type { Figures, Sighting } from '../../src/core/sightings.ts';
import { open, seal, writeItem, type Item } from '../../src/engines/envelope.ts';

const selector = { type: 'tags', ids: [], tags: [['room', '\u2603']], exclude: ['x'] } as const;
const binary = { data: Buffer.from([0, 255, 10]), isBinary: true };
const text = { data: Buffer.from('h\u00e4llo'), isBinary: false };
const description = {
  id: 'x',
  namespace: '',
  path: '/',
  tags: JSON.parse('{"a":"1","__proto__":"2","constructor":"3"}') as Record<string, string>, // names that objects have by nature
  connectedAt: 1,
  lastActiveAt: 2,
  remoteAddress: '::1',
  subprotocol: null,
  node: 'n',
};
const of = { at: 1, id: 'x', route: 'default', path: '/', trace: '00-1' };
const frame = { bytes: 1, isBinary: false, payload: '{"a":‹number›}' };
const answer = { because: 'status 503', ms: 1.25 };
const SIGHTINGS: readonly Sighting[] = [
  { type: 'opened', ...of, tags: { room: '1' }, ms: 1 },
  { type: 'refused', at: 1, route: 'default', path: '/', code: 403, reason: 'no', because: null, ms: 0 },
  { type: 'received', ...of, ...frame, seq: 1 },
  { type: 'answered', ...of, ...frame, ...answer, seq: 1, verdict: 'complained' },
  { type: 'pushed', ...of, ...frame, payload: null },
  { type: 'push-refused', ...of, because: 'slow' },
  { type: 'closed', ...of, code: 1006, reason: '', by: 'crash', openMs: null, messages: null },
  { type: 'close-answered', ...of, ...answer, verdict: 'retry' },
];
const FIGURES: Figures = {
  connections: 1,
  closesPending: 0,
  isDraining: false,
  messagesReceived: 2,
  pushesSent: 3,
  bytesReceived: 4,
  bytesSent: 5,
  spans: [1, 0],
  loopDelayMs: 0.5,
  memoryBytes: 6,
  uptimeSeconds: 7,
};
const part = {
  node: 'n',
  owner: 'AAAAAA',
  matched: 3,
  sent: 2,
  failed: 1,
  problem: 'p',
  tree: { room: { a: 1 } },
  list: [{ ...description, serial: 4 }],
  metrics: [{ any: [1, 'x'] }],
  reached: 7,
  seen: { sightings: SIGHTINGS, missed: 1, figures: FIGURES, problem: 'p' },
};
const error = { code: 'c', description: 'd', detailsJson: '{}' };
const rpc = { id: 'x', messageId: 'm', action: 'A', payloadJson: '{}' };

const ITEMS: readonly Item[] = [
  { kind: 'ask', n: 1, until: 5, command: { type: 'push', id: 'x', message: binary, idempotencyKey: 'k' } },
  {
    kind: 'ask',
    n: 2,
    until: 5,
    command: { type: 'push', id: 'x', message: { data: Buffer.alloc(0), isBinary: false }, idempotencyKey: null },
  },
  { kind: 'ask', n: 3, until: 5, command: { type: 'close', id: 'x', code: 4000, reason: '"' } },
  { kind: 'ask', n: 4, until: 5, command: { type: 'describe', id: '__proto__' } },
  { kind: 'ask', n: 5, until: 5, command: { type: 'rpc-call', ...rpc, waitMs: null } },
  { kind: 'ask', n: 5, until: 5, command: { type: 'rpc-send', ...rpc } },
  { kind: 'ask', n: 5, until: 5, command: { type: 'rpc-reject', id: 'x', messageId: 'm', error } },
  { kind: 'ask-all', n: 6, until: 5, query: { type: 'send', selector, message: text } },
  { kind: 'ask-all', n: 7, until: 5, query: { type: 'set-tags', selector, changes: [['a', '']] } },
  { kind: 'ask-all', n: 8, until: 5, query: { type: 'close-all', selector, farewell: text, code: 1000, reason: '' } },
  { kind: 'ask-all', n: 9, until: 5, query: { type: 'close-all', selector, farewell: null, code: 1000, reason: '' } },
  { kind: 'ask-all', n: 9, until: 5, query: { type: 'count', selector } },
  { kind: 'ask', n: 1, until: 5, command: { type: 'describe', id: '/a//x', onlyHolder: true } },
  { kind: 'ask-all', n: 9, until: 5, query: { type: 'tree' } },
  { kind: 'ask-all', n: 9, until: 5, query: { type: 'metrics' } },
  { kind: 'ask-all', n: 9, until: 5, query: { type: 'list', after: { owner: 'o', serial: 2 }, limit: 5 } },
  { kind: 'ask-all', n: 9, until: 5, query: { type: 'list', after: null, limit: Infinity } },
  {
    kind: 'ask-all',
    n: 9,
    until: 5,
    query: { type: 'search', search: { id: 'x', path: null, tags: [['a', '1']] }, after: { owner: 'o', serial: 2 }, limit: 5 },
  },
  {
    kind: 'ask-all',
    n: 9,
    until: 5,
    query: {
      type: 'observe',
      question: { type: 'watch', watch: 'w', filter: { id: null, route: 'default', tags: [['a', '1']] }, wantsFigures: true },
    },
  },
  { kind: 'ask-all', n: 9, until: 5, query: { type: 'observe', question: { type: 'ends', id: null, code: 1006, limit: 5 } } },
  { kind: 'ask-all', n: 9, until: 5, query: { type: 'observe', question: { type: 'failures', limit: 5 } } },
  { kind: 'outcome', n: 1, outcome: { type: 'described', description } },
  { kind: 'outcome', n: 1, outcome: { type: 'slow', retryAfterMs: 3 } },
  { kind: 'outcome', n: 1, outcome: { type: 'rejected', error } },
  { kind: 'part', n: 1, part },
  { kind: 'part', n: 1, part: null },
  { kind: 'evict', id: 'x', key: 'k' },
  { kind: 'held', id: 'x', key: 'k', stamp: 4 },
  { kind: 'hello', node: 'n' },
  { kind: 'bye' },
];

test('everything that travels between processes arrives as it was, all in one envelope', () => {
  const sealed = seal('AAAAAA', ITEMS.map(writeItem));
  assert.deepEqual(open(sealed), { from: 'AAAAAA', items: ITEMS, dropped: 0 });
});

test('what stands before an item that cannot be understood is taken, what stands behind it is dropped and counted', () => {
  const strange = { json: '{"kind":"strange","bytes":7}', bytes: Buffer.from('unknown') };
  const [first, second] = ITEMS as [Item, Item];
  const opened = open(seal('AAAAAA', [writeItem(first), strange, writeItem(second)]));
  assert.deepEqual(opened, { from: 'AAAAAA', items: [first], dropped: 2 });
});

test('a message that is shorter than it says it is is not taken', () => {
  const [first] = ITEMS as [Item];
  const sealed = seal('AAAAAA', [writeItem(first)]);
  assert.deepEqual(open(sealed.subarray(0, -1)), { from: 'AAAAAA', items: [], dropped: 1 });
});

test('no bytes make it throw: any bytes, and envelopes with any byte changed or cut off', () => {
  holds(
    property(uint8Array({ maxLength: 200 }), (bytes) => {
      open(Buffer.from(bytes));
    }),
  );
  const sealed = seal('AAAAAA', ITEMS.map(writeItem));
  holds(
    property(nat(sealed.length - 1), nat(255), nat(sealed.length), (at, byte, end) => {
      const changed = Buffer.from(sealed);
      changed[at] = byte;
      open(changed.subarray(0, end));
    }),
    { numRuns: 2_000 },
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DELIVERED, type CloseEvent, type MessageEvent } from '../../../src/core/events.ts';
import { Meter } from '../../../src/core/meter.ts';
import { Observers } from '../../../src/core/observer.ts';
import type { Party } from '../../../src/core/party.ts';
import type { SightingFilter } from '../../../src/core/sightings.ts';
import { Observatory } from '../../../src/edge/console/observatory.ts';
import type { ShownPayloads } from '../../../src/edge/console/payloads.ts';
import { ManualClock } from '../../contracts/manual-clock.ts';
import { sampleConnection, sampleRequest } from '../../contracts/samples.ts';

const EVERYTHING: SightingFilter = { id: null, route: null, tags: [] };
const STANDING = { connections: 1, closesPending: 0, isDraining: false };

function scene(payloads: ShownPayloads = 'off', ends = 100) {
  const clock = new ManualClock();
  const meter = new Meter();
  const observers = new Observers([meter]);
  let attached = 0;
  const counted = {
    attach: (one: Meter) => {
      attached += 1;
      observers.attach(one);
    },
    detach: (one: Meter) => {
      attached -= 1;
      observers.detach(one);
    },
  } as unknown as Observers;
  const observatory = new Observatory({ clock, meter, observers: counted, payloads, ends });
  const watch = (filter = EVERYTHING, name = 'w') =>
    observatory.answer({ type: 'watch', watch: name, filter, wantsFigures: false }, STANDING);
  return { clock, observers, observatory, watch, attached: () => attached - 1 };
}

function message(party: Party, text = 'hello', seq = 1): MessageEvent {
  return { type: 'message', party, seq, data: Buffer.from(text), isBinary: false };
}

function partyWith(facts: Partial<Party>): Party {
  return sampleConnection().party.with(facts);
}

test('nobody watches: nothing is attached; a watch that is not asked for again ends by itself', async () => {
  const { clock, watch, attached, observatory } = scene();
  assert.equal(attached(), 0);
  watch();
  assert.equal(attached(), 1);
  for (let second = 0; second < 20; second += 1) {
    await clock.pass(1_000);
    watch();
  }
  assert.equal(attached(), 1, 'it is asked for');
  await clock.pass(11_000);
  assert.equal(attached(), 0);
  watch();
  observatory.stop();
  assert.equal(attached(), 0);
  assert.equal(clock.pending, 0, 'no timer is left');
});

test('who watches sees verdicts, durations and traces; who watches one connection also what was only read', async () => {
  const { clock, observers, watch } = scene();
  const party = partyWith({ tags: new Map([['room', '1']]) });
  const one = { ...EVERYTHING, id: party.id };
  watch();
  watch(one, 'of one');
  const event = message(party);
  observers.received(event);
  const askedAt = clock.now();
  await clock.pass(7);
  observers.answered(event, { type: 'retry', afterMs: null, because: 'status 503' }, askedAt);
  observers.answered(event, DELIVERED, askedAt);
  observers.pushed(party, { data: Buffer.alloc(3), isBinary: true });
  observers.pushRefused(party, { type: 'slow', retryAfterMs: 1 });
  const { sightings } = watch();
  assert.deepEqual(
    sightings.map(({ type }) => type),
    ['answered', 'answered', 'pushed', 'push-refused'],
  );
  const [retry, delivered, pushed] = sightings;
  assert.ok(retry?.type === 'answered' && delivered?.type === 'answered' && pushed?.type === 'pushed');
  assert.deepEqual([retry.verdict, retry.because, retry.ms, retry.bytes, retry.payload], ['retry', 'status 503', 7, 5, null]);
  assert.deepEqual([delivered.verdict, delivered.because], ['delivered', null]);
  assert.match(delivered.trace, /^00-[0-9a-f]{32}-[0-9a-f]{8}00000001-01$/);
  assert.deepEqual([pushed.bytes, pushed.isBinary], [3, true]);
  assert.equal(watch(one, 'of one').sightings[0]?.type, 'received');
  assert.deepEqual(watch().sightings, [], 'each is told once');
});

test('a filter by id, route and tags lets nothing else through', () => {
  const { observers, watch } = scene();
  const filters: Record<string, SightingFilter> = {
    route: { ...EVERYTHING, route: '/games/:id' },
    tags: {
      ...EVERYTHING,
      tags: [
        ['room', '1'],
        ['user', 'ada'],
      ],
    },
    id: { ...EVERYTHING, id: 'x' },
  };
  for (const [name, filter] of Object.entries(filters)) watch(filter, name);
  const parties = [
    partyWith({ id: 'x', route: 'default' }),
    partyWith({ id: 'y', route: '/games/:id', tags: new Map([['room', '1']]) }),
    partyWith({
      id: 'z',
      route: 'default',
      tags: new Map([
        ['room', '1'],
        ['user', 'ada'],
      ]),
    }),
  ];
  for (const party of parties) observers.answered(message(party), DELIVERED, 0);
  observers.refused(
    { type: 'refused', status: 403, code: 'NO', message: 'no' },
    { route: 'default', request: sampleRequest(), askedAt: 0 },
  );
  const seen = Object.entries(filters).map(([name, filter]) =>
    watch(filter, name).sightings.map((one) => ('id' in one ? one.id : 'refused')),
  );
  assert.deepEqual(seen, [['y'], ['z'], ['x']]);
});

test('a flood costs a bounded part of it, and what is left out is counted', async () => {
  const { clock, observers, watch } = scene();
  watch();
  const { party } = sampleConnection();
  for (let n = 0; n < 5_000; n += 1) observers.answered(message(party, 'hello', n), DELIVERED, clock.now());
  const first = watch();
  assert.deepEqual([first.sightings.length, first.missed], [200, 4_800]);
  await clock.pass(1_000);
  observers.answered(message(party), DELIVERED, clock.now());
  assert.deepEqual([watch().sightings.length, watch().missed], [1, 0]);
});

test('only so many may watch one process', () => {
  const { watch } = scene();
  for (let n = 0; n < 64; n += 1) assert.equal(watch(EVERYTHING, `w${n}`).problem, null);
  assert.match(watch(EVERYTHING, 'one more').problem ?? '', /64 watch already/);
});

/** What of a payload is shown. */
function shown(payloads: ShownPayloads, text: string, isBinary = false): string | null | undefined {
  const { observers, watch } = scene(payloads);
  watch();
  observers.pushed(sampleConnection().party, { data: Buffer.from(text), isBinary });
  const [sighting] = watch().sightings;
  return sighting?.type === 'pushed' ? sighting.payload : undefined;
}

test('payloads are shown as the operator wants it: not at all, their form, or a part of them', () => {
  const secret = '{"user":"ada","password":"hunter2","n":[1,null,true]}';
  assert.equal(shown('off', secret), null);
  assert.equal(shown('redacted', secret), '{"user":"‹string›","password":"‹string›","n":["‹number›","‹null›","‹boolean›"]}');
  assert.equal(shown('redacted', 'hunter2'), null, 'what is no JSON is all value');
  assert.equal(shown('redacted', '"hunter2"'), '"‹string›"');
  assert.equal(shown('plain', secret), secret);
  assert.equal(shown('plain', 'x'.repeat(5_000)), `${'x'.repeat(1_000)}…`);
  assert.equal(shown('plain', 'abc', true), '616263');
});

test('the last ends are remembered whether anybody watches or not, and so is what failed', () => {
  const { clock, observers, observatory } = scene('plain', 3);
  const { party, remoteAddress, connectedAt } = sampleConnection();
  const end = (id: string, code: number): CloseEvent => ({
    type: 'close',
    party: party.with({ id, path: `/${'x'.repeat(5_000)}` }),
    seq: 3,
    code,
    reason: 'bye',
    isOrphan: false,
    by: 'client',
  });
  for (const [id, code] of [
    ['a', 1000],
    ['b', 1006],
    ['c', 1000],
    ['d', 1006],
  ] as const)
    observers.closed(end(id, code), { remoteAddress, connectedAt });
  const ends = (id: string | null, code: number | null) =>
    observatory.answer({ type: 'ends', id, code, limit: 10 }, STANDING).sightings.map((one) => ('id' in one ? one.id : ''));
  assert.deepEqual(ends(null, null), ['d', 'c', 'b'], 'newest first, the oldest is forgotten');
  assert.deepEqual([ends(null, 1006), ends('c', null), ends('c', 1006)], [['d', 'b'], ['c'], []]);
  const [last] = observatory.answer({ type: 'ends', id: null, code: null, limit: 1 }, STANDING).sightings;
  assert.ok(last?.type === 'closed');
  assert.deepEqual([last.by, last.messages, last.reason, last.path.length], ['client', 2, 'bye', 201]);
  observers.closed({ ...end('e', 1006), seq: null, isOrphan: true }, null);
  const [orphan] = observatory.answer({ type: 'ends', id: 'e', code: null, limit: 1 }, STANDING).sightings;
  assert.ok(orphan?.type === 'closed');
  assert.deepEqual([orphan.by, orphan.messages, orphan.openMs], ['crash', null, null]);

  observers.answered(message(party, 'secret'), { type: 'delivered', reply: null, complaint: 'status 422' }, clock.now());
  observers.answered(message(party, 'secret'), DELIVERED, clock.now());
  observers.answered(end('f', 1000), { type: 'retry', afterMs: null, because: 'timeout' }, clock.now());
  const failures = observatory.answer({ type: 'failures', limit: 10 }, STANDING).sightings;
  assert.deepEqual(
    failures.map((one) => ('because' in one ? one.because : null)),
    ['timeout', 'status 422'],
  );
  assert.ok(!JSON.stringify(failures).includes('secret'), 'payloads are not remembered');
});

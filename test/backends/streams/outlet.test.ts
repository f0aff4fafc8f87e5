import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Writing } from '../../../src/backends/streams/held.ts';
import { Outlet } from '../../../src/backends/streams/outlet.ts';
import { Meter } from '../../../src/core/meter.ts';
import type { Fate, LinkListener, Parcel, StreamLink } from '../../../src/wire/streams.ts';
import { ManualClock } from '../../contracts/manual-clock.ts';
import { SILENT_LOG } from '../../contracts/samples.ts';

/** A link that does what the test says. */
class ScriptedLink implements StreamLink {
  listener: LinkListener | null = null;
  readonly batches: Parcel[][] = [];
  readonly resets: string[] = [];
  closed = 0;

  start(listener: LinkListener): void {
    this.listener = listener;
  }

  send(parcels: readonly Parcel[]): void {
    this.batches.push([...parcels]);
  }

  reset(because: string): void {
    this.resets.push(because);
  }

  close(): Promise<void> {
    this.closed += 1;
    return Promise.resolve();
  }

  settle(batch: number, fate: Fate): void {
    for (const parcel of this.batches[batch] ?? []) parcel.settled(fate);
  }

  /** The connection breaks. */
  break(): void {
    this.listener?.down('it broke');
    for (const batch of this.batches) for (const parcel of batch) parcel.settled({ type: 'lost' });
  }

  get sent(): string[][] {
    return this.batches.map((batch) => batch.map(({ entry }) => entry.eventId));
  }
}

async function scene() {
  const clock = new ManualClock();
  const link = new ScriptedLink();
  const outlet = new Outlet({ name: 'broker', connect: () => Promise.resolve(link), clock, log: SILENT_LOG, observer: new Meter() });
  outlet.open();
  await clock.pass(0);
  const told = new Map<string, Writing[]>();
  const write = (eventId: string, own: { isRepeatable?: boolean; forMs?: number; timeoutMs?: number; bytes?: number } = {}): void => {
    const { isRepeatable = true, forMs = 60_000, timeoutMs = 5_000, bytes = 0 } = own;
    told.set(eventId, []);
    outlet.write({
      name: 's',
      entry: { eventId, fields: ['message', Buffer.alloc(bytes)], isBinary: false },
      receiver: { settled: (writing) => told.get(eventId)?.push(writing) },
      waitUntil: clock.now() + forMs,
      timeoutMs,
      isRepeatable,
    });
  };
  const verdict = (eventId: string): string => {
    const [first, ...others] = told.get(eventId) ?? [];
    assert.equal(others.length, 0, `${eventId} was told once`);
    if (first === undefined) return 'waits';
    return first.type === 'stored' ? 'stored' : `${first.reason}${first.wasSent ? ', sent' : ''}`;
  };
  return { clock, link, outlet, write, verdict };
}

test('what one turn writes leaves in one piece, in its order', async () => {
  const { clock, link, write, verdict } = await scene();
  write('early');
  link.listener?.up();
  for (const name of ['a', 'b', 'c']) write(name);
  await clock.pass(0);
  write('d');
  await clock.pass(0);
  assert.deepEqual(link.sent, [['early', 'a', 'b', 'c'], ['d']]);
  link.settle(0, { type: 'stored' });
  assert.deepEqual(['a', 'd'].map(verdict), ['stored', 'waits']);
});

test('what was on its way when the connection broke goes out again, before what came meanwhile; an open does not', async () => {
  const { clock, link, write, verdict } = await scene();
  link.listener?.up();
  write('a');
  write('open', { isRepeatable: false });
  await clock.pass(0);
  link.break();
  write('b');
  await clock.pass(1_000);
  assert.equal(verdict('open'), 'reset, sent');
  link.listener?.up();
  await clock.pass(0);
  assert.deepEqual(link.sent, [
    ['a', 'open'],
    ['a', 'b'],
  ]);
  link.settle(1, { type: 'stored' });
  assert.deepEqual(['a', 'b'].map(verdict), ['stored', 'stored']);
});

test('a broker that does not answer in time is dropped; an open is told so, and the connection kept for it', async () => {
  const { clock, link, write, verdict } = await scene();
  link.listener?.up();
  write('open', { isRepeatable: false, timeoutMs: 1_000 });
  await clock.pass(1_500);
  assert.equal(verdict('open'), 'timeout, sent');
  assert.deepEqual(link.resets, []);
  write('a', { timeoutMs: 2_000 });
  await clock.pass(2_500);
  assert.deepEqual(link.resets.slice(0, 1), ['it did not answer in time']);
  assert.equal(verdict('a'), 'waits', 'it may still go out by another connection');
  link.settle(0, { type: 'stored' });
  assert.equal(verdict('open'), 'timeout, sent', 'a late answer changes nothing');
});

test('while the broker is known to be away few new clients wait, and not for long; messages wait as long as they may', async () => {
  const { clock, link, write, verdict } = await scene();
  write('first', { isRepeatable: false, forMs: 10_000 });
  await clock.pass(2_000);
  assert.equal(verdict('first'), 'waits', 'nobody knows yet that the broker is away');
  link.listener?.down('refused');
  await clock.pass(300);
  assert.equal(verdict('first'), 'unreachable');
  const opens = Array.from({ length: 12 }, (_, number) => `open${number}`);
  for (const open of opens) write(open, { isRepeatable: false, forMs: 10_000 });
  write('message', { forMs: 3_000 });
  await clock.pass(100);
  assert.equal(opens.filter((open) => verdict(open) === 'waits').length, 8);
  await clock.pass(1_000);
  assert.ok(opens.every((open) => verdict(open) === 'unreachable'));
  assert.equal(verdict('message'), 'waits');
  await clock.pass(2_200);
  assert.equal(verdict('message'), 'unreachable');
});

test('what is on its way is bounded, in entries and in bytes', async () => {
  const { clock, link, write } = await scene();
  link.listener?.up();
  for (let number = 0; number < 5_000; number += 1) write(`m${number}`);
  await clock.pass(0);
  assert.deepEqual(
    link.batches.map(({ length }) => length),
    [4_096],
  );
  link.settle(0, { type: 'stored' });
  await clock.pass(0);
  assert.deepEqual(
    link.batches.map(({ length }) => length),
    [4_096, 904],
  );
  link.settle(1, { type: 'stored' });
  for (let number = 0; number < 20; number += 1) write(`large${number}`, { bytes: 1_048_576 });
  await clock.pass(0);
  assert.equal(link.batches[2]?.length, 8);
});

test('a broker that says no is told on, at once', async () => {
  const { clock, link, write, verdict } = await scene();
  link.listener?.up();
  write('a');
  await clock.pass(0);
  link.settle(0, { type: 'declined', because: 'OOM' });
  assert.equal(verdict('a'), 'declined');
});

test('stopped, it tells all that is still out, takes nothing more, and closes once', async () => {
  const { clock, link, outlet, write, verdict } = await scene();
  link.listener?.up();
  write('sent');
  await clock.pass(0);
  write('waiting');
  await Promise.all([outlet.stop(), outlet.stop()]);
  assert.equal(link.closed, 1);
  write('late');
  assert.equal(verdict('late'), 'waits', 'never from inside the call');
  await clock.pass(0);
  assert.deepEqual(['sent', 'waiting', 'late'].map(verdict), ['stopped, sent', 'stopped', 'stopped']);
  link.break();
  assert.equal(verdict('sent'), 'stopped, sent');
  assert.equal(clock.pending, 0);
});

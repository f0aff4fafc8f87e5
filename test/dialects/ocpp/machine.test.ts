import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import type { RpcOutcome } from '../../../src/core/commands.ts';
import type { ClientFrame } from '../../../src/dialects/ocpp/frames.ts';
import { step } from '../../../src/dialects/ocpp/machine.ts';
import { added, EMPTY_QUEUE, headOf, itemsOf, lengthOf, shifted, without, type Queue } from '../../../src/dialects/ocpp/queue.ts';
import {
  INITIAL_STATE,
  isIdle,
  nextDeadline,
  type Effect,
  type Input,
  type LaneName,
  type Rules,
  type State,
} from '../../../src/dialects/ocpp/state.ts';
import { versionOf, type OcppVersion } from '../../../src/dialects/ocpp/versions.ts';

const RULES: Rules = {
  version: versionOf('ocpp2.1') as OcppVersion,
  callTimeoutMs: 100,
  queuedCalls: 3,
  queuedBytes: 1_000,
  heldMessages: 4,
  heldBytes: 1_000,
  retryForMs: 150,
  maxMessageBytes: 1_000,
};

/** What may happen to a connection, in any order. */
type Happening =
  | { readonly type: 'call' | 'send' | 'answer' | 'refuse' | 'break'; readonly id: string }
  | { readonly type: 'ask'; readonly id: string; readonly waitMs: number | null }
  | { readonly type: 'served'; readonly isError: boolean }
  | { readonly type: 'taken'; readonly lane: LaneName; readonly isTaken: boolean }
  | { readonly type: 'time'; readonly ms: number }
  | { readonly type: 'open' | 'leave' | 'noise' };

const id = fc.constantFrom('a', 'b', 'c', 'd');
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constantFrom('call', 'send', 'answer', 'refuse', 'break'), id }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('ask' as const), id, waitMs: fc.option(fc.integer({ min: 1, max: 300 })) }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('served' as const), isError: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constant('taken' as const), lane: fc.constantFrom('answers', 'sends'), isTaken: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('time' as const), ms: fc.integer({ min: 0, max: 120 }) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('open', 'leave', 'noise') }) },
);

type AskRecord = { readonly waits: boolean; readonly outcomes: RpcOutcome[] };

/** Lets things happen, as socket, clock and backend would, and checks after each what must always hold. */
class World {
  state: State = INITIAL_STATE;
  now = 0;
  seq = 0;
  isOpen = false;
  hasLeft = false;
  isPaused = false;
  closes = 0;
  /** CALLs with the backend, and answers and SENDs on their way to it. */
  serving = 0;
  readonly delivering = { answers: 0, sends: 0 };
  /** The backend's CALL that the client has to answer, with its time. */
  inFlight: { readonly id: string; readonly expiresAt: number } | null = null;
  callsReceived = 0;
  callsAnswered = 0;
  readonly asks = new Map<number, AskRecord>();
  readonly delivered: number[] = [];

  happens(what: Happening): void {
    switch (what.type) {
      case 'open':
        if (this.isOpen || this.hasLeft) return;
        this.isOpen = true;
        return this.feed({ type: 'opened', now: this.now });
      case 'leave':
        if (this.hasLeft) return;
        this.hasLeft = true;
        this.inFlight = null;
        return this.feed({ type: 'ended', now: this.now });
      case 'time':
        return this.pass(what.ms);
      case 'ask':
        return this.ask(what.id, what.waitMs);
      case 'served':
        if (this.serving === 0) return;
        this.serving -= 1;
        return this.feed({
          type: 'served',
          answer: what.isError
            ? { type: 'error', error: { code: 'GenericError', description: '', detailsJson: '{}' } }
            : { type: 'result', payloadJson: '{}' },
          now: this.now,
        });
      case 'taken': {
        const { lane, isTaken } = what;
        if (this.delivering[lane] === 0) return;
        this.delivering[lane] -= 1;
        return this.feed(
          isTaken ? { type: 'delivered', lane, now: this.now } : { type: 'undelivered', lane, retryAfterMs: 40, now: this.now },
        );
      }
      case 'call':
      case 'send':
      case 'answer':
      case 'refuse':
      case 'break':
      case 'noise':
        if (!this.isOpen || this.hasLeft) return;
        return this.frame(what);
    }
  }

  frame(what: Happening): void {
    const error = { code: 'GenericError', description: '', detailsJson: '{}' };
    const id = 'id' in what ? what.id : '';
    const frames: Record<string, ClientFrame> = {
      call: { type: 'call', id, action: 'Act', payloadJson: '{}' },
      send: { type: 'send', id, action: 'Act', payloadJson: '{}' },
      answer: { type: 'result', id, payloadJson: '{}' },
      refuse: { type: 'error', id, error },
      break: { type: 'broken-result', id, error },
      noise: { type: 'malformed', answerTo: null, error },
    };
    if (what.type === 'call') this.callsReceived += 1;
    if (this.inFlight?.id === id && ['answer', 'refuse', 'break'].includes(what.type)) this.inFlight = null;
    this.seq += 1;
    this.feed({ type: 'frame', frame: frames[what.type] as ClientFrame, seq: this.seq, bytes: 10, now: this.now });
  }

  ask(id: string, waitMs: number | null): void {
    const serial = this.asks.size + 1;
    this.asks.set(serial, { waits: waitMs !== null, outcomes: [] });
    const waits = { wants: waitMs === null ? 'answer' : 'outcome', waitUntil: waitMs === null ? Infinity : this.now + waitMs } as const;
    const frame = `[2,"${id}","Act",{}]`;
    this.feed({ type: 'ask', ask: { serial, id, action: 'Act', frame, bytes: 10, expiresAt: Infinity, ...waits }, now: this.now });
  }

  /** As a timer would: at each deadline, then at the end. */
  pass(ms: number): void {
    const end = this.now + ms;
    for (let deadline = nextDeadline(this.state); deadline <= end; deadline = nextDeadline(this.state)) {
      assert.ok(deadline >= this.now, 'a deadline is never in the past');
      this.now = deadline;
      if (this.inFlight !== null && this.inFlight.expiresAt <= deadline) this.inFlight = null;
      this.feed({ type: 'time', now: deadline });
      assert.ok(nextDeadline(this.state) > deadline, 'what was due is done');
    }
    this.now = end;
  }

  feed(input: Input): void {
    const old = this.state;
    const before = snapshot(old);
    const { state, effects } = step(RULES, old, input);
    assert.equal(snapshot(old), before, 'a state never changes');
    this.state = state;
    for (const effect of effects) this.takes(effect);
    this.holds();
  }

  takes(effect: Effect): void {
    switch (effect.type) {
      case 'reply':
        return this.reply(effect.frame);
      case 'push':
        this.sent(effect.ask.id);
        if (effect.ask.wants === 'answer') this.asks.get(effect.ask.serial)?.outcomes.push({ type: 'accepted' });
        return;
      case 'serve':
        this.serving += 1;
        assert.ok(effect.call.expiresAt > this.now, 'what is served still has time');
        return;
      case 'deliver':
        this.delivering[effect.lane] += 1;
        if (effect.lane === 'sends') this.delivered.push(effect.delivery.seq);
        return;
      case 'outcome':
        this.asks.get(effect.serial)?.outcomes.push(effect.outcome);
        return;
      case 'pause':
      case 'resume':
        assert.equal(this.isPaused, effect.type === 'resume');
        this.isPaused = effect.type === 'pause';
        return;
      case 'close':
        this.closes += 1;
        return;
      case 'count':
      case 'lost':
    }
  }

  reply(frame: string): void {
    assert.ok(!this.hasLeft, 'nothing is sent to who has left');
    const [type, id] = JSON.parse(frame) as [number, string];
    if (type === 2) this.sent(id);
    if (type === 3 || type === 4) this.callsAnswered += 1;
  }

  sent(id: string): void {
    assert.equal(this.inFlight, null, 'one CALL in flight to the client');
    this.inFlight = { id, expiresAt: this.now + RULES.callTimeoutMs };
  }

  holds(): void {
    const { serving, waiting, asked, asking } = this.state;
    assert.ok(this.serving <= 1, 'one CALL in flight to the backend');
    assert.ok(this.delivering.answers <= 1 && this.delivering.sends <= 1, 'one at a time in each lane');
    assert.ok(serving !== null || lengthOf(waiting) === 0, 'nobody waits where nobody is served');
    assert.ok(!this.isOpen || this.hasLeft || asked !== null || lengthOf(asking) === 0, 'no queue in front of a client that owes nothing');
    assert.ok(lengthOf(asking) <= RULES.queuedCalls, 'the queue is bounded');
    assert.ok(this.closes <= 1);
    if (!this.hasLeft) {
      const inProgress = lengthOf(waiting) + (serving === null || serving.isAnswered ? 0 : 1);
      assert.equal(this.callsReceived, this.callsAnswered + inProgress, 'every CALL has one answer, or still gets it');
    }
    for (const { waits, outcomes } of this.asks.values()) {
      assert.ok(outcomes.length <= 1, 'nobody is told twice');
      if (!waits) assert.equal(outcomes.length, 1, 'who does not wait is told at once');
    }
    assert.deepEqual(
      this.delivered,
      this.delivered.toSorted((one, other) => one - other),
      'SENDs keep their order',
    );
  }
}

/** A state as text, of each queue only its own part: the array behind it may grow for others. */
function snapshot(state: State): string {
  return JSON.stringify(state, (_key, value: unknown) => {
    const isQueue = typeof value === 'object' && value !== null && 'items' in value;
    return isQueue ? itemsOf(value as Queue<unknown>) : value;
  });
}

suite('the state machine', () => {
  test('keeps one CALL in flight each way, answers every CALL once and forgets nobody who waits, whatever happens', () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 80, size: 'max' }), (history) => {
        const world = new World();
        world.happens({ type: 'open' });
        for (const what of history) world.happens(what);
        // and then everything ends well
        for (let round = 0; round < 200 && !isIdle(world.state); round += 1) {
          world.happens({ type: 'served', isError: false });
          for (const lane of ['answers', 'sends'] as const) world.happens({ type: 'taken', lane, isTaken: true });
          world.pass(50);
        }
        assert.ok(isIdle(world.state), 'all is delivered in the end');
        if (!world.hasLeft) assert.equal(world.callsAnswered, world.callsReceived);
        world.pass(RULES.callTimeoutMs * 5);
        for (const { outcomes } of world.asks.values()) assert.equal(outcomes.length, 1, 'everybody who waits is told in the end');
        assert.equal(nextDeadline(world.state), Infinity);
        assert.equal(world.isPaused && !world.hasLeft, false, 'the socket is read again');
      }),
      { numRuns: 400, seed: 20_261_121 },
    );
  });

  test('lets answers pass by calls and SENDs that the backend does not finish', () => {
    const world = new World();
    world.happens({ type: 'open' });
    for (const id of ['a', 'b', 'c']) world.happens({ type: 'call', id });
    for (const id of ['a', 'b', 'c']) world.happens({ type: 'send', id });
    world.happens({ type: 'ask', id: 'mine', waitMs: null });
    world.happens({ type: 'answer', id: 'mine' });
    assert.deepEqual([world.serving, world.delivering], [1, { answers: 1, sends: 1 }]);
  });
});

suite('a queue', () => {
  test('is an array that nobody can change', () => {
    type Item = { readonly number: number; readonly bytes: number };
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constant(null)), { maxLength: 400, size: 'max' }), (steps) => {
        let queue: Queue<Item> = EMPTY_QUEUE;
        let model: Item[] = [];
        const kept: { readonly queue: Queue<Item>; readonly model: readonly Item[] }[] = [];
        for (const [number, bytes] of steps.entries()) {
          if (bytes === null) [queue, model] = [shifted(queue), model.slice(1)];
          else [queue, model] = [added(queue, { number, bytes }), [...model, { number, bytes }]];
          if (number % 50 === 0) kept.push({ queue: added(queue, { number: -1, bytes: 1 }), model: [...model, { number: -1, bytes: 1 }] });
          kept.push({ queue, model });
        }
        for (const { queue, model } of kept) {
          assert.deepEqual(itemsOf(queue), model);
          assert.equal(lengthOf(queue), model.length);
          assert.deepEqual(headOf(queue), model[0]);
          assert.equal(
            queue.bytes,
            model.reduce((sum, { bytes }) => sum + bytes, 0),
          );
        }
        const odd = ({ number }: Item): boolean => number % 2 === 1;
        assert.deepEqual(
          itemsOf(without(queue, odd)),
          model.filter((item) => !odd(item)),
        );
      }),
      { numRuns: 50 },
    );
  });
});

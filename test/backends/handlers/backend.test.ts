import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HandlersBackend } from '../../../src/backends/handlers/backend.ts';
import type { Handlers } from '../../../src/backends/handlers/handlers.ts';
import type { CloseEvent, CloseVerdict, MessageVerdict } from '../../../src/core/events.ts';
import { systemClock } from '../../../src/core/system-clock.ts';
import { backendContract, type Behaviour } from '../../contracts/backend.ts';
import { endOfTurn, ManualClock } from '../../contracts/manual-clock.ts';
import { sampleConnection, sampleLimits, sampleRequest, SILENT_LOG } from '../../contracts/samples.ts';

const fails = (): never => {
  throw new Error('no');
};
const hangs = (): Promise<never> => new Promise(() => {});

const SYSTEMS: Readonly<Record<Behaviour, Handlers>> = {
  'takes everything': { onOpen: () => {}, onMessage: () => {}, onClose: () => {} },
  refuses: { onOpen: () => ({ refuse: 403 }), onMessage: fails, onClose: () => {} },
  unavailable: { onOpen: fails, onMessage: fails, onClose: fails },
  hangs: { onOpen: hangs, onMessage: hangs, onClose: hangs },
};

/** The same, but each callback is an async function. */
function later(handlers: Handlers): Handlers {
  return Object.fromEntries(
    Object.entries(handlers).map(([name, call]) => [
      name,
      async (...parts: unknown[]) => (call as (...all: unknown[]) => unknown)(...parts),
    ]),
  );
}

const over = (handlers: Handlers, clock: ConstructorParameters<typeof HandlersBackend>[0]['clock'] = systemClock) =>
  new HandlersBackend({ handlers, limits: sampleLimits(), clock, log: SILENT_LOG });

backendContract('handlers', (_t, behaviour) => Promise.resolve(over(SYSTEMS[behaviour])), { fails: true });
backendContract('handlers that promise', (_t, behaviour) => Promise.resolve(over(later(SYSTEMS[behaviour]))), { fails: true });
/** What other promise libraries give. */
class Thenable {
  readonly #promise: Promise<unknown>;

  constructor(promise: Promise<unknown>) {
    this.#promise = promise;
  }

  // oxlint-disable-next-line no-thenable
  then(done: (value: unknown) => void): void {
    done(this.#promise);
  }
}

function inItsOwnWay(handlers: Handlers): Handlers {
  return Object.fromEntries(
    Object.entries(later(handlers)).map(([name, call]) => [
      name,
      (...parts: unknown[]) => new Thenable((call as (...all: unknown[]) => Promise<unknown>)(...parts)),
    ]),
  ) as Handlers;
}

backendContract('handlers that promise in a way of their own', (_t, behaviour) => Promise.resolve(over(inItsOwnWay(SYSTEMS[behaviour]))), {
  fails: true,
});

const { party } = sampleConnection();
const open = { type: 'open', party, request: sampleRequest() } as const;
const close: CloseEvent = { type: 'close', party, seq: 2, code: 1000, reason: 'bye', isOrphan: false };

test('nothing but onMessage is needed: clients are let in, and their ends are delivered', async () => {
  const backend = over({ onMessage: () => {} });
  assert.equal((await backend.open(open)).type, 'accepted');
  assert.equal((await new Promise<CloseVerdict>((settled) => backend.close(close, { settled }))).type, 'delivered');
});

test('an onOpen over OPEN_TIMEOUT_MS is 504 and is followed by an end; what it does later counts for nothing', async () => {
  const clock = new ManualClock();
  const { promise, reject } = Promise.withResolvers<void>();
  const backend = over({ onOpen: () => promise }, clock);
  const opened = backend.open(open);
  await endOfTurn();
  await clock.pass(9_999);
  await clock.pass(1);
  const verdict = await opened;
  assert.ok(verdict.type === 'refused' && verdict.status === 504 && verdict.wasAccepted === true);
  assert.equal(verdict.endReason, 'open unanswered');
  reject(new Error('too late to be heard'));
  await endOfTurn();
});

test('an onMessage over BACKEND_TIMEOUT_MS fails, each in its own time', async () => {
  const clock = new ManualClock();
  const backend = over({ onMessage: hangs }, clock);
  const verdicts: [at: number, type: string][] = [];
  const begin = clock.now();
  const send = (): void => backend.message({ type: 'message', party, seq: 1, data: Buffer.from('x'), isBinary: false }, { settled });
  const settled = ({ type }: MessageVerdict): void => void verdicts.push([clock.now() - begin, type]);
  send();
  await clock.pass(1_000);
  send();
  await clock.pass(28_000);
  await clock.pass(999);
  await clock.pass(1);
  assert.deepEqual(verdicts, [
    [29_000, 'failed'],
    [30_000, 'failed'],
  ]);
});

test('an onClose that does not end is told again, and never called beside itself', async () => {
  const clock = new ManualClock();
  const calls: PromiseWithResolvers<void>[] = [];
  const onClose = (): Promise<void> => {
    const call = Promise.withResolvers<void>();
    calls.push(call);
    return call.promise;
  };
  const backend = over({ onClose }, clock);
  const tell = (): Promise<CloseVerdict> => new Promise((settled) => backend.close(close, { settled }));
  const first = tell();
  await endOfTurn();
  await clock.pass(29_000);
  assert.equal((await first).type, 'retry');
  const second = tell();
  calls[0]?.reject(new Error('failed in the end'));
  assert.equal((await second).type, 'retry');
  assert.equal(calls.length, 1);
  const third = tell();
  calls[1]?.resolve();
  assert.equal((await third).type, 'delivered');
  assert.equal(calls.length, 2);
});

test('an end of a client whose process died has a client that can be named, and not reached', async () => {
  const seen: unknown[] = [];
  const backend = over({
    onClose(client, code) {
      const { id, path, isOpen, data, pendingBytes, remoteAddress, protocol, params, query } = client;
      seen.push(code, id, path, isOpen, data, pendingBytes, remoteAddress, protocol, params, query, client.send('x'));
      client.close();
      client.setTags({ a: 'b' });
    },
  });
  assert.equal(
    (await new Promise<CloseVerdict>((settled) => backend.close({ ...close, code: 1006, seq: null, isOrphan: true }, { settled }))).type,
    'delivered',
  );
  assert.deepEqual(seen, [1006, party.id, '/chat', false, undefined, 0, '', null, {}, {}, 'gone']);
});

test('after stop no timer keeps the process alive, whether a callback is out or all have ended', async () => {
  for (const onMessage of [hangs, () => Promise.resolve()]) {
    const clock = new ManualClock();
    const backend = over({ onMessage }, clock);
    backend.message({ type: 'message', party, seq: 1, data: Buffer.from('x'), isBinary: false }, { settled: () => {} });
    await endOfTurn();
    assert.equal(clock.pending, 1);
    await backend.stop();
    assert.equal(clock.pending, 0);
  }
});

test('what comes after stop is told at once that nobody takes it', async () => {
  const backend = over({ onOpen: fails, onMessage: fails, onClose: fails });
  await backend.stop();
  const opened = await backend.open(open);
  assert.ok(opened.type === 'refused' && opened.wasAccepted === undefined && opened.failure?.reason === 'stopped');
  const message = { type: 'message', party, seq: 1, data: Buffer.from('x'), isBinary: false } as const;
  assert.equal((await new Promise<MessageVerdict>((settled) => backend.message(message, { settled }))).type, 'retry');
  assert.equal((await new Promise<CloseVerdict>((settled) => backend.close(close, { settled }))).type, 'retry');
});

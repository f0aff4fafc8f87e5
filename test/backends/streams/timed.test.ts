import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TimedBackend } from '../../../src/backends/streams/timed.ts';
import { DELIVERED } from '../../../src/core/events.ts';
import type { Backend } from '../../../src/core/ports.ts';
import { systemClock } from '../../../src/core/system-clock.ts';
import { Timings } from '../../../src/core/timings.ts';

const RETRY = { type: 'retry', afterMs: null, because: 'away' } as const;
const ACCEPTED = { type: 'accepted', tags: null, data: null, subprotocol: null, message: null, headers: [] } as const;

test('what a broker takes is timed by event, stored or not, and each verdict passes through', async () => {
  const timings = new Timings();
  const inner: Backend = {
    open: () => Promise.resolve(ACCEPTED),
    message: (_event, receiver) => void setTimeout(() => receiver.settled(DELIVERED), 5),
    close: (_event, receiver) => void setTimeout(() => receiver.settled(RETRY), 5),
    stop: () => Promise.resolve(),
  };
  const backend = new TimedBackend(inner, systemClock, timings);
  assert.equal(await backend.open({} as never, 0), ACCEPTED);
  assert.equal(await new Promise((settled) => backend.message({} as never, { settled }, 0)), DELIVERED);
  assert.equal(await new Promise((settled) => backend.close({} as never, { settled }, 0)), RETRY);
  assert.deepEqual(
    [...timings].map(([event, end, { sumMs }]) => [event, end, event === 'open' || sumMs > 2]),
    [
      ['open', 'stored', true],
      ['message', 'stored', true],
      ['close', 'unstored', true],
    ],
  );
});

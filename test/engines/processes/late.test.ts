import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Command, Query } from '../../../src/core/commands.ts';
import { createIpcBus } from '../../../src/engines/processes/bus.ts';
import type { Link } from '../../../src/engines/processes/link.ts';
import { IpcRelay } from '../../../src/engines/processes/relay.ts';
import { Process } from '../../contracts/bus.ts';
import { linked } from './linked.ts';

const TIMEOUT_MS = 50;

/** A link whose far end hangs: what is sent to it arrives when it wakes. */
function hanging(link: Link): Link & { hang(): void; wake(): void } {
  let held: (() => void)[] | null = null;
  return {
    send: (message, written) => link.send(message, written),
    onMessage: (handler) =>
      link.onMessage((message) => {
        if (held === null) handler(message);
        else held.push(() => handler(message));
      }),
    hang() {
      held = [];
    },
    wake() {
      const late = held ?? [];
      held = null;
      for (const deliver of late) deliver();
    },
  };
}

async function scene(t: TestContext) {
  const relay = new IpcRelay();
  const asking = new Process();
  const asked = new Process();
  const join = async (process: Process) => {
    const [ours, supervisors] = linked();
    const worker = hanging(ours);
    const supervisor = hanging(supervisors);
    relay.add('worker', supervisor);
    const bus = createIpcBus({ link: worker, owner: process.owner, timeoutMs: TIMEOUT_MS });
    t.after(() => bus.close());
    await bus.serve(process);
    return { bus, worker, supervisor };
  };
  return { asking, asked, from: await join(asking), to: await join(asked) };
}

const push = (id: string): Command => ({
  type: 'push',
  id,
  message: { data: Buffer.from('late'), isBinary: false },
  idempotencyKey: null,
});
const query = { type: 'count', selector: { type: 'all' } } as unknown as Query;

/** After it, everything that was sent before has been delivered. */
async function barrier({ from, asked }: Awaited<ReturnType<typeof scene>>): Promise<void> {
  const before = asked.commands.all.length;
  assert.equal((await from.bus.ask(push(asked.id)))?.type, 'sent');
  assert.equal(asked.commands.all.length, before + 1);
}

test('what was answered as timed out is not carried out when the worker wakes', async (t) => {
  const all = await scene(t);
  const { asked, from, to } = all;
  to.worker.hang();
  const outcomes = await Promise.all([from.bus.ask(push(asked.id)), from.bus.ask(push(asked.id))]);
  assert.deepEqual(
    outcomes.map((outcome) => outcome?.type),
    ['timeout', 'timeout'],
  );
  const { unreachable } = await from.bus.askAll(query);
  assert.equal(unreachable.length, 1);
  to.worker.wake();
  await barrier(all);
  assert.deepEqual([asked.commands.all.length, asked.queries.all.length], [1, 0]);
});

test('what was answered as unavailable is not carried out when the supervisor wakes', async (t) => {
  const all = await scene(t);
  const { asked, from } = all;
  from.supervisor.hang();
  assert.equal((await from.bus.ask(push(asked.id)))?.type, 'unavailable');
  assert.deepEqual((await from.bus.askAll(query)).unreachable, ['*']);
  from.supervisor.wake();
  await barrier(all);
  assert.deepEqual([asked.commands.all.length, asked.queries.all.length], [1, 0]);
});

test('a worker that wakes in time carries it out, and says so', async (t) => {
  const { asked, from, to } = await scene(t);
  to.worker.hang();
  const outcome = from.bus.ask(push(asked.id));
  setImmediate(() => setImmediate(() => setImmediate(() => to.worker.wake())));
  assert.equal((await outcome)?.type, 'sent');
  assert.equal(asked.commands.all.length, 1);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Backbone, BackboneListener, Standing } from '../../src/engines/backbone.ts';
import { Membership } from '../../src/engines/membership.ts';
import { ManualClock } from '../contracts/manual-clock.ts';

const ENGINE_AT = 5_000_000;
const nothing = (): void => {};

/** A process in a cluster whose engine takes `tookMs` for an answer, and looks at its clock as it sends it. */
async function joined(tookMs: number) {
  const clock = new ManualClock(0);
  let takesMs = tookMs;
  const renew = async (): Promise<Standing> => {
    await new Promise<void>((resolve) => clock.after(takesMs, resolve));
    return { type: 'kept', now: ENGINE_AT + clock.now() - takesMs, members: [], isBereaved: false }; // the answer was long on its way back
  };
  let listener: BackboneListener | null = null;
  const backbone = { start: (one: BackboneListener) => (listener = one), join: () => Promise.resolve([]), renew, reset: nothing };
  const membership = new Membership({
    backbone: backbone as unknown as Backbone,
    owner: 'owner1',
    node: 'node',
    leaseMs: 10_000,
    renewMs: 1_000,
    timeoutMs: 2_000,
    log: { error: nothing, warn: nothing, info: nothing, debug: nothing, isDebugging: false },
    time: { now: () => clock.now(), after: (ms, task) => clock.after(ms, task), soon: queueMicrotask },
  });
  const tenant = { isDirty: false, restore: () => Promise.resolve(), lost: nothing, entered: () => Promise.resolve(), bereaved: nothing };
  const started = membership.start(tenant, nothing);
  (listener as BackboneListener | null)?.up();
  await setImmediate(); // until the engine is asked
  await clock.pass(tookMs);
  await started;
  return { membership, clock, engineNow: () => ENGINE_AT + clock.now(), takes: (ms: number) => (takesMs = ms) };
}

test('a deadline is over in time, and so taken to be, however late the engine told its clock', async () => {
  const { membership, clock, engineNow, takes } = await joined(600);
  assert.ok(membership.deadline(800) <= engineNow() + 800);
  const deadline = engineNow() + 100;
  await clock.pass(101);
  assert.equal(membership.mayBeOver(deadline), true);
  takes(2);
  await clock.pass(1_010); // the next sign of life tells the clock better
  assert.ok(Math.abs(membership.now() - engineNow()) <= 2);
  assert.equal(membership.mayBeOver(engineNow() + 100), false);
  assert.ok(membership.deadline(800) > engineNow() + 790);
});

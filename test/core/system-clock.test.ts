import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { startHeartbeat } from '../../src/core/heartbeat.ts';
import { PAUSE_MS, RunningClock, TICK_MS } from '../../src/core/system-clock.ts';
import { FreezableMachine } from '../contracts/freezable-machine.ts';
import { sampleGateway, sampleLimits, sampleRequest, sampleRoute } from '../contracts/samples.ts';
import { ScriptedTransport } from '../contracts/scripted-transport.ts';
import { endOfTurn } from '../contracts/manual-clock.ts';
import type { Socket } from '../../src/core/ports.ts';

const OK = { type: 'answer', status: 200, headers: {}, body: Buffer.from('{"code":"OK"}') } as const;

function scene() {
  const machine = new FreezableMachine();
  return { machine, clock: new RunningClock(machine) };
}

suite('the time in which the process ran', () => {
  test('goes on as the machine’s while nothing is wrong, also where nobody asks for it', async () => {
    const { machine, clock } = scene();
    const before = clock.now();
    await machine.pass(3_600_000);
    assert.equal(clock.now() - before, 3_600_000);
    assert.equal(clock.leftOutMs, 0);
  });

  test('has of a pause one tick, while dates have all of it', async () => {
    const { machine, clock } = scene();
    const [before, date] = [clock.now(), clock.date()];
    await machine.freeze(5_000);
    assert.ok(clock.now() - before <= 2 * TICK_MS, `${clock.now() - before} ms`);
    assert.equal(clock.date() - date, 5_000);
  });

  test('a span that is hardly late is no pause', async () => {
    const { machine, clock } = scene();
    const before = clock.now();
    for (let times = 0; times < 10; times += 1) await machine.freeze(PAUSE_MS - TICK_MS);
    assert.equal(clock.leftOutMs, 0);
    assert.ok(clock.now() - before >= 10 * (PAUSE_MS - TICK_MS));
  });

  test('a process that gets its turn once a second only counts its turns', async () => {
    const { machine, clock } = scene();
    const before = clock.now();
    for (let times = 0; times < 60; times += 1) await machine.freeze(1_000);
    assert.ok(clock.now() - before <= 60 * 2 * TICK_MS, `${clock.now() - before} ms of a minute`);
  });

  test('a timer that was due in a pause waits for the rest of its time', async () => {
    const { machine, clock } = scene();
    let rungAt: number | null = null;
    const startedAt = clock.now();
    clock.after(1_000, () => {
      rungAt = clock.now();
    });
    await machine.pass(400);
    await machine.freeze(5_000);
    assert.equal(rungAt, null);
    await machine.pass(400);
    assert.equal(rungAt, null);
    await machine.pass(300);
    assert.ok(rungAt !== null && rungAt - startedAt >= 1_000 && rungAt - startedAt < 1_100, `rung after ${Number(rungAt) - startedAt} ms`);
  });

  test('a timer that was put off can be called off', async () => {
    const { machine, clock } = scene();
    const timer = clock.after(1_000, () => assert.fail('it rang'));
    await machine.freeze(5_000);
    timer.cancel();
    await machine.pass(5_000);
  });

  test('before anybody asks for it there is no pause', async () => {
    const { machine, clock } = scene();
    await machine.pass(60_000);
    assert.equal(clock.leftOutMs, 0);
  });
});

suite('a gateway that was frozen for 5 s, with WS_TIMEOUT=2000', () => {
  type Guest = { pings: number; readonly codes: number[]; answersPings: boolean };

  async function gatewayWith(guests: readonly Guest[]) {
    const { machine, clock } = scene();
    const backend = new ScriptedTransport();
    const gateway = sampleGateway({ clock });
    const route = sampleRoute({ transport: backend, clock, limits: sampleLimits({ idleTimeoutMs: 2_000, slowClientTimeoutMs: 2_000 }) });
    for (const guest of guests) {
      const opening = gateway.open(route, sampleRequest(), () => false);
      await endOfTurn();
      backend.settleAll(OK);
      const decision = await opening;
      assert.ok('connection' in decision);
      const { connection, verdict } = decision;
      const socket: Partial<Socket> = {
        isOpen: true,
        bufferedBytes: 0,
        receivedBytes: 0,
        close: (code) => void guest.codes.push(code),
        ping() {
          guest.pings += 1;
          if (guest.answersPings) machine.wait(50, () => connection.alive());
        },
      };
      connection.attach(socket as Socket, verdict);
    }
    const heartbeat = startHeartbeat(gateway, () => 2_000);
    return { machine, gateway, heartbeat };
  }

  test('cuts nobody at waking, whatever it was about to do, and still finds who is silent', async () => {
    for (const frozenAt of [500, 1_900, 2_000, 2_020, 2_100, 3_700, 4_010]) {
      const polite: Guest = { pings: 0, codes: [], answersPings: true };
      const silent: Guest = { pings: 0, codes: [], answersPings: false };
      const { machine, heartbeat } = await gatewayWith([polite, silent]);
      await machine.pass(frozenAt);
      await machine.freeze(5_000);
      const cutAtWaking = [...silent.codes];
      await machine.pass(30);
      assert.deepEqual(polite.codes, [], `frozen at ${frozenAt} ms`);
      if (frozenAt < 4_000) assert.deepEqual(cutAtWaking, [], `frozen at ${frozenAt} ms: silent for ${frozenAt} ms of ours`);
      await machine.pass(4_500);
      assert.deepEqual([polite.codes, silent.codes], [[], [1_001]], `frozen at ${frozenAt} ms`);
      heartbeat.cancel();
    }
  });
});

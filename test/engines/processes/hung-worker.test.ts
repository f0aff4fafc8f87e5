import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { suite, test, type TestContext } from 'node:test';
import { startBackend } from '../../support/backend.ts';
import { AROUND, MAIN, readLog, type GatewayProcess } from '../../support/gateway.ts';
import { enter, isEvent, stillServes, type Scene } from '../../support/guests.ts';
import { killIfThere, pidOf, signalTo } from '../../support/signals.ts';
import { fillWorkers, workerOf } from '../../support/workforce.ts';

/** Workers beat once a second. */
const SILENCE_MS = 3_000;
const HANGS = 'a worker hangs and is killed';

type Supervised = Scene & { readonly supervisor: number; readonly workers: readonly number[] };

async function supervised(t: TestContext): Promise<Supervised> {
  const backend = await startBackend(t);
  const script = fileURLToPath(new URL('quick-supervisor.ts', import.meta.url));
  const child = spawn(process.execPath, [script, String(SILENCE_MS), MAIN], {
    cwd: '/',
    env: { ...AROUND, HOST: '127.0.0.1', API_URI: backend.url, BUS_TIMEOUT_MS: '300', DRAIN_MS: '100' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const log = readLog(child.stdout);
  const exited = once(child, 'exit').then(([code, signal]) => ({ code: code as number | null, signal: signal as NodeJS.Signals | null }));
  const serves = await log.first(({ msg }) => msg === 'wsaas serves', 20_000);
  const workers = serves['workerPids'] as number[];
  t.after(async () => {
    for (const pid of [pidOf(child), ...workers]) killIfThere(pid);
    await exited;
  });
  const publicUrl = String(serves['publicUrl']);
  const gateway: GatewayProcess = {
    process: child,
    pid: pidOf(child),
    wsUrl: publicUrl.replace('http', 'ws'),
    publicUrl,
    controlUrl: publicUrl,
    log,
    exited,
  };
  return { backend, gateway, supervisor: pidOf(child), workers };
}

suite('a worker that does not run', () => {
  test('for longer than the limit: it is killed, its closes are told, another takes its place', async (t) => {
    const scene = await supervised(t);
    const { backend, gateway, workers } = scene;
    const guests = await fillWorkers(t, scene, { workers: 2, each: 3 });
    const [hung = 0] = workers;
    signalTo(hung, 'SIGSTOP');
    const line = await gateway.log.first(({ msg }) => msg === HANGS, 20_000);
    assert.equal(line['pid'], hung);
    await gateway.log.first(({ msg }) => msg === 'a worker was replaced', 20_000);
    const told = await backend.calls.atLeast(3, isEvent('close'), 20_000);
    assert.ok(told.every(({ headers }) => headers['ws-orphan'] === 'true' && headers['ws-close-code'] === '1006'));
    const owners = new Set(told.map(({ headers }) => workerOf(String(headers['ws-connection']))));
    assert.equal(owners.size, 1, 'those of the dead worker only');
    for (const [owner, those] of guests) if (!owners.has(owner)) for (const guest of those) await stillServes(scene, guest);
    await stillServes(scene, await enter(t, scene));
  });

  test('for a while: it is no hang, and what was answered 504 meanwhile is not carried out', async (t) => {
    const scene = await supervised(t);
    const { gateway, workers } = scene;
    const guests = [...(await fillWorkers(t, scene, { workers: 2, each: 1 })).values()].flat();
    const [stalled = 0] = workers;
    signalTo(stalled, 'SIGSTOP');
    // whoever takes the request asks the other; where the stalled one takes it, nobody answers
    const answers = await Promise.all(
      guests.flatMap((guest) =>
        Array.from({ length: 8 }, async (_none, round) => {
          const answer = await fetch(guest.command(), { method: 'PUT', body: `${round}`, signal: AbortSignal.timeout(1_500) }).catch(
            () => null,
          );
          return { guest, text: String(round), status: answer?.status ?? null };
        }),
      ),
    );
    signalTo(stalled, 'SIGCONT');
    const late = answers.filter(({ status }) => status === 504);
    assert.ok(late.length > 0, JSON.stringify(answers.map(({ status }) => status)));
    for (const guest of guests) await stillServes(scene, guest);
    for (const { guest, text } of late) assert.ok(guest.frames.all.every((frame) => frame.text !== text));
    assert.ok(gateway.log.all.every(({ msg }) => msg !== HANGS));
  });

  test('together with its supervisor: nobody is blamed for a sleep of all', async (t) => {
    const scene = await supervised(t);
    const { gateway, supervisor, workers } = scene;
    const guest = await enter(t, scene);
    for (const pid of [supervisor, ...workers]) signalTo(pid, 'SIGSTOP');
    await sleep(SILENCE_MS * 1.5); // the span itself is what is tested
    signalTo(supervisor, 'SIGCONT');
    await sleep(300); // its timers run before its workers do
    for (const pid of workers) signalTo(pid, 'SIGCONT');
    await stillServes(scene, guest);
    assert.ok(gateway.log.all.every(({ msg }) => msg !== HANGS));
  });
});

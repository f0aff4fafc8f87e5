import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { suite, test, type TestContext } from 'node:test';
import { Arrivals } from '../support/arrivals.ts';
import { routesFile } from '../support/routes-file.ts';
import { AROUND, importing, MAIN, readLog, STANDARD, YOUNG, type LogLine } from '../support/gateway.ts';
import { gone, killIfThere } from '../support/signals.ts';

type Beginning = {
  readonly child: ChildProcess;
  readonly log: Arrivals<LogLine>;
  /** All of them, once each waits. */
  readonly pids: readonly number[];
  readonly errors: () => string;
  readonly closed: Promise<unknown[]>;
};

/** Says its pid before anything else. */
const NAMED = importing("console.log(JSON.stringify({ msg: 'begins', pid: process.pid }))");

/** A gateway in the middle of its start: every process of it that serves waits for an engine that never says a word. */
async function begin(t: TestContext, workers: number, env: Record<string, string> = {}): Promise<Beginning> {
  const waiting = new Arrivals<Socket>();
  const silent = createServer((socket) => waiting.add(socket)).listen(0, '127.0.0.1');
  t.after(() => {
    silent.close();
    for (const socket of waiting.all) socket.destroy();
  });
  await once(silent, 'listening');
  const child = spawn(process.execPath, [YOUNG, MAIN], {
    cwd: '/',
    env: {
      ...AROUND,
      ...STANDARD,
      WORKERS: String(workers),
      CLUSTER_URL: `redis://127.0.0.1:${(silent.address() as AddressInfo).port}`,
      NODE_OPTIONS: NAMED,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed = once(child, 'close');
  const log = readLog(child.stdout);
  let errors = '';
  child.stderr.on('data', (chunk) => (errors += String(chunk)));
  t.after(async () => {
    for (const { pid } of log.all.filter(({ msg }) => msg === 'begins')) killIfThere(Number(pid));
    await closed;
  });
  const begun = await log.atLeast(workers === 1 ? 1 : workers + 1, ({ msg }) => msg === 'begins');
  await waiting.atLeast(workers);
  return { child, log, pids: begun.map(({ pid }) => Number(pid)), errors: () => errors, closed };
}

const BACKEND = { API_URI: 'http://127.0.0.1:9' };

for (const workers of [1, 2]) {
  suite(`signals in the middle of a start, with WORKERS=${workers}`, () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      test(`${signal} ends all of it at once, with exit code 0`, async (t) => {
        const { child, pids, errors, closed } = await begin(t, workers, BACKEND);
        child.kill(signal);
        assert.deepEqual(await closed, [0, null]);
        await gone(pids, 60_000);
        if (workers === 1) assert.equal(errors(), `${signal} came before it served: it ends\n`);
      });
    }

    test('SIGHUP is obeyed once it serves', async (t) => {
      const { path } = await routesFile(t, 'routes:\n  - { path: /a, backend: "http://127.0.0.1:9" }\n');
      const { child, log } = await begin(t, workers, { ROUTES_FILE: path });
      child.kill('SIGHUP');
      await log.first(({ msg }) => msg === 'wsaas serves');
      await log.atLeast(workers, ({ msg }) => msg === 'routes were read again');
    });
  });
}

test('a supervisor that dies while its workers wait for an engine leaves none of them behind', async (t) => {
  const { child, pids } = await begin(t, 2, BACKEND);
  child.kill('SIGKILL');
  await gone(pids, 60_000);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask } from '../support/ask.ts';
import { startBackend } from '../support/backend.ts';
import { tryConnect } from '../support/client.ts';
import { freePort } from '../support/free-port.ts';
import { importing, startGateway, workerPids } from '../support/gateway.ts';
import { isEvent } from '../support/guests.ts';
import { run } from '../support/run.ts';
import { signalTo } from '../support/signals.ts';
import { fillWorkers, workerOf } from '../support/workforce.ts';

const CLIENTS = 60;
/** Worker 2 takes this much longer than worker 1 to be prepared. */
const LATER_MS = 1_500;

const NOWHERE = '/nowhere/node';

test('a supervisor that can have no process serves on with what it has, tries again, and says why', async (t) => {
  const backend = await startBackend(t);
  const toggle = `const real=process.execPath;process.on('SIGWINCH',()=>{process.execPath=process.execPath===real?'${NOWHERE}':real})`;
  const gateway = await startGateway(t, { API_URI: backend.url, WORKERS: '2', NODE_OPTIONS: importing(toggle) });
  const [victim = 0] = workerPids(gateway);
  gateway.process.kill('SIGWINCH');
  signalTo(victim, 'SIGKILL');
  const [line] = await gateway.log.atLeast(2, ({ msg }) => msg === 'a worker could not be replaced, it is tried again');
  assert.match(String(line?.['problem']), /worker \d could not be started: spawn \/nowhere\/node ENOENT/);
  assert.equal((await ask(`${gateway.controlUrl}/livez`)).status, 200);
  gateway.process.kill('SIGWINCH');
  await gateway.log.first(({ msg }) => msg === 'a worker was replaced');
  await fillWorkers(t, { backend, gateway }, { workers: 2, each: 1 });
});

test('a start for which there is no process ends with one sentence', async () => {
  const { code, errors } = await run({
    API_URI: 'http://127.0.0.1:9',
    WORKERS: '2',
    NODE_OPTIONS: importing(`process.execPath='${NOWHERE}'`),
  });
  assert.deepEqual([code, errors], [1, `worker 1 could not be started: spawn ${NOWHERE} ENOENT\n`]);
});

test('workers listen together and are ready together, so the first clients are spread over all of them', async (t) => {
  const backend = await startBackend(t);
  const port = await freePort();
  const slow = `if(process.env.WSAAS_WORKER==='2')Atomics.wait(new Int32Array(new SharedArrayBuffer(4)),0,0,${LATER_MS})`;
  const started = startGateway(t, {
    API_URI: backend.url,
    PORT: String(port),
    WORKERS: '2',
    NODE_OPTIONS: importing(slow),
  });
  started.catch(() => {}); // it is waited for below
  const answers: number[] = [];
  while (answers.at(-1) !== 200) {
    const answer = await ask(`http://127.0.0.1:${port}/readyz`).catch(() => null);
    if (answer !== null) answers.push(answer.status);
    else await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await Promise.all(Array.from({ length: CLIENTS }, () => tryConnect(t, `ws://127.0.0.1:${port}`)));
  await backend.calls.atLeast(CLIENTS, isEvent('open'));
  const owners = backend.calls.all.filter(isEvent('open')).map(({ headers }) => workerOf(String(headers['ws-connection'])));
  const perWorker = [...new Set(owners)].map((owner) => owners.filter((other) => other === owner).length);
  assert.equal(perWorker.length, 2, 'one worker took all');
  assert.ok(Math.min(...perWorker) >= CLIENTS / 6, perWorker.join());
  assert.ok(
    answers.every((status) => status === 503 || status === 200),
    answers.join(),
  );
  await started;
});

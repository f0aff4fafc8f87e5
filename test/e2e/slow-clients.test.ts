import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { startBackend } from '../support/backend.ts';
import { startGateway } from '../support/gateway.ts';
import { enter, isEvent, openOf, type Guest, type ProcessScene } from '../support/guests.ts';
import { residentMegabytes, Stopwatch } from '../support/machine.ts';
import { upgradeRequest } from '../support/raw-socket.ts';

const CLIENTS = 100;
const PUSH_BYTES = 256_000;
/** 10 MB for each client; while they still read a fifth of it, for comparison. */
const ROUNDS = 40;
const ROUNDS_BEFORE = 8;
const LANES = 4;
const SEND_BUFFER_BYTES = 1_048_576;
const SLOW_CLIENT_TIMEOUT_MS = 4_000;
/** What bodies on their way and not yet collected garbage may differ by from one time to another. */
const SLACK_MEGABYTES = 64;
const PROBES_IN_A_WINDOW = 50;

/** A client that reads as long as its socket is not paused, and forgets. */
type Sink = { readonly socket: Socket; readonly id: string; firstRefusedAt: number | null };

async function sink(t: TestContext, scene: ProcessScene, number: number): Promise<Sink> {
  const path = `/sink-${number}`;
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(scene.gateway.publicUrl).port) });
  t.after(() => socket.destroy());
  socket.on('error', () => {}); // ended is ended
  socket.write(upgradeRequest({ path }));
  await once(socket, 'data');
  socket.on('data', () => {});
  return { socket, id: String((await openOf(scene, path)).headers['ws-connection']), firstRefusedAt: null };
}

const agent = new Agent({ keepAlive: true, maxSockets: LANES });
const body = Buffer.alloc(PUSH_BYTES, 'x');

function push(url: string): Promise<{ readonly status: number; readonly retryAfter: string | undefined }> {
  return new Promise((resolve, reject) => {
    const pushing = request(url, { method: 'PUT', agent, headers: { 'content-type': 'application/octet-stream' } }, (response) => {
      response.resume();
      response.on('end', () => resolve({ status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] }));
    });
    pushing.on('error', reject);
    pushing.end(body);
  });
}

/** Pushes to one after the other, so many times around; says what each was answered. */
async function pushAround(scene: ProcessScene, sinks: readonly Sink[], rounds: number): Promise<Map<number, number>> {
  const counts = new Map<number, number>();
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < rounds * sinks.length) {
      const to = sinks[next % sinks.length] as Sink;
      next += 1;
      const askedAt = performance.now();
      const { status, retryAfter } = await push(`${scene.gateway.controlUrl}/${to.id}`);
      counts.set(status, (counts.get(status) ?? 0) + 1);
      if (status === 429) {
        assert.match(String(retryAfter), /^[1-9]\d*$/);
        to.firstRefusedAt ??= askedAt;
      } else if (status === 404) {
        assert.ok(to.firstRefusedAt !== null, 'who never was too slow is still there');
      } else assert.equal(status, 200);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return counts;
}

/** Pushes small messages to others, over and over while the work is done; the 99th percentile of their latencies, per window. */
async function p99sDuring(scene: ProcessScene, others: readonly Guest[], work: Promise<unknown>): Promise<number[]> {
  const clock = new Stopwatch([scene.gateway.pid]);
  const over = new AbortController();
  void work.finally(() => over.abort()).catch(() => {}); // who awaits the work hears of its failure
  const p99s: number[] = [];
  let probe = 0;
  do {
    const latencies: number[] = [];
    while (latencies.length < PROBES_IN_A_WINDOW) {
      const { push: pushOther, frames } = others[probe % others.length] as Guest;
      probe += 1;
      const word = `probe ${probe} of ${p99s.length}`;
      const startedAt = clock.read();
      const [answer] = await Promise.all([pushOther(word), frames.first(({ text }) => text === word)]);
      latencies.push(clock.read() - startedAt);
      assert.equal(answer.status, 200);
    }
    p99s.push(percentile(latencies, 0.99));
  } while (!over.signal.aborted);
  await work;
  return p99s;
}

function percentile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * share)] ?? NaN;
}

test('100 clients stop reading under 10 MB each: memory is bounded, others do not feel it, they are ended and told with 1013', async (t) => {
  t.after(() => agent.destroy());
  const backend = await startBackend(t);
  const gateway = await startGateway(t, {
    API_URI: backend.url,
    SEND_BUFFER_BYTES: String(SEND_BUFFER_BYTES),
    SLOW_CLIENT_TIMEOUT_MS: String(SLOW_CLIENT_TIMEOUT_MS),
  });
  const scene = { backend, gateway };
  const sinks = await Promise.all(Array.from({ length: CLIENTS }, (_none, index) => sink(t, scene, index)));
  const others = await Promise.all(Array.from({ length: 10 }, () => enter(t, scene)));
  let peak = 0;
  const watch = setInterval(() => (peak = Math.max(peak, residentMegabytes(gateway.pid))), 50);
  t.after(() => clearInterval(watch));

  const before = pushAround(scene, sinks, ROUNDS_BEFORE);
  const p99sBefore = await p99sDuring(scene, others, before);
  assert.deepEqual([...(await before).keys()], [200], 'who reads gets all');
  const base = peak;

  peak = 0;
  for (const { socket } of sinks) socket.pause();
  const during = pushAround(scene, sinks, ROUNDS);
  const p99sDuringIt = await p99sDuring(scene, others, during);
  const counts = await during;
  const boundMegabytes = base + (CLIENTS * SEND_BUFFER_BYTES) / 2 ** 20 + SLACK_MEGABYTES;
  t.diagnostic(`answers ${JSON.stringify([...counts])}; at most ${Math.round(peak)} MB, ${Math.round(base)} MB while they read`);
  assert.ok(peak <= boundMegabytes, `${peak} MB, ${boundMegabytes} MB are allowed`);
  assert.ok((counts.get(429) ?? 0) > CLIENTS, 'most pushes were refused');
  const [medianBefore, medianDuring] = [percentile(p99sBefore, 0.5), percentile(p99sDuringIt, 0.5)];
  t.diagnostic(
    `p99 of others: ${medianBefore.toFixed(1)} ms before (${p99sBefore.length} windows), ${medianDuring.toFixed(1)} ms during (${p99sDuringIt.length})`,
  );
  assert.ok(medianDuring <= 2 * medianBefore + 5, `p99 was ${medianBefore} ms, it is ${medianDuring} ms`);

  const closes = await backend.calls.atLeast(CLIENTS, isEvent('close'), SLOW_CLIENT_TIMEOUT_MS + 10_000);
  assert.deepEqual(closes.map(({ headers }) => String(headers['ws-connection'])).toSorted(), sinks.map(({ id }) => id).toSorted());
  for (const { headers } of closes) assert.deepEqual([headers['ws-close-code'], headers['ws-close-reason']], ['1013', 'slow%20client']);
  const earliest = performance.timeOrigin + Math.min(...sinks.map(({ firstRefusedAt }) => firstRefusedAt ?? Infinity));
  for (const { at } of closes) assert.ok(at - earliest >= SLOW_CLIENT_TIMEOUT_MS * 0.9, `ended ${at - earliest} ms after the first 429`);
  await Promise.all(
    sinks.map(async ({ socket }) => {
      socket.resume();
      if (!socket.closed) await once(socket, 'close');
    }),
  );
  for (const { ws } of others) assert.equal(ws.readyState, ws.OPEN);
});

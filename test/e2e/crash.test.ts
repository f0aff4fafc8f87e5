import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { askSomeone } from '../support/ask.ts';
import { startBackend, type Call } from '../support/backend.ts';
import { Chatter, letIn } from '../support/chatter.ts';
import { startGateway, workerPids } from '../support/gateway.ts';
import { bodyOf, enter, isEvent, ok } from '../support/guests.ts';
import { openRaw, upgradeRequest } from '../support/raw-socket.ts';
import { signalTo } from '../support/signals.ts';
import { fillWorkers, workerOf } from '../support/workforce.ts';

const CLIENTS = 2_000;
const LEFT_BEFORE = 50;
const AUTHORIZATION = 'Bearer never-written-to-a-disk';

async function journal(t: TestContext): Promise<Record<string, string>> {
  const directory = await mkdtemp(join(tmpdir(), 'journal-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return { JOURNAL_DIR: directory };
}

const connectionOf = ({ headers }: Call): string => String(headers['ws-connection']);

/** The event id that a connection's `close` has, whoever tells it: it follows from that of its `open`. */
const closeIdOf = (open: Call): string => String(open.headers['ws-event-id']).replace(/\.0$/, '.close');

function assertOrphan(close: Call): void {
  assert.equal(close.headers['ws-close-code'], '1006');
  assert.equal(bodyOf(close)['close_code'], 1006);
  assert.equal(close.headers['ws-orphan'], 'true');
  assert.equal(close.headers.authorization, undefined);
}

test('kill -9 at 2,000 connections with JOURNAL_DIR: after the restart 2,000 distinct close events, each once, and never again', async (t) => {
  const backend = await startBackend(t);
  const env = { API_URI: backend.url, ...(await journal(t)) };
  const first = await startGateway(t, env);
  const headers = { Authorization: AUTHORIZATION };
  const arrive = (index: number) => new Chatter(t, first.wsUrl, { name: `c${index}`, headers });
  for (const client of await letIn(LEFT_BEFORE, arrive)) client.leave();
  const told = await backend.calls.atLeast(LEFT_BEFORE, isEvent('close'));
  assert.ok(told.every((close) => close.headers['ws-orphan'] === undefined && close.headers.authorization === AUTHORIZATION));
  const clients = await letIn(CLIENTS, arrive); // and with their opens the farewells are written
  const farewells = new Set(told.map(connectionOf));
  const opens = backend.calls.all.filter(isEvent('open')).filter((open) => !farewells.has(connectionOf(open)));
  assert.equal(opens.length, CLIENTS);

  first.process.kill('SIGKILL');
  await first.exited;
  await Promise.all(clients.map(({ ended }) => ended));
  const second = await startGateway(t, env);
  await backend.calls.atLeast(LEFT_BEFORE + CLIENTS, isEvent('close'), 20_000);
  const newcomer = await enter(t, { gateway: second, backend });
  newcomer.ws.close();
  await backend.calls.first(isEvent('close', newcomer.id));
  second.process.kill('SIGTERM');
  assert.deepEqual(await second.exited, { code: 0, signal: null });

  const third = await startGateway(t, env); // what was acknowledged is forgotten
  const last = await enter(t, { gateway: third, backend });
  last.ws.close();
  await backend.calls.first(isEvent('close', last.id));

  const closes = backend.calls.all.filter(isEvent('close')).slice(LEFT_BEFORE);
  const orphans = closes.filter(({ headers: { 'ws-orphan': orphan } }) => orphan !== undefined);
  assert.equal(closes.length, CLIENTS + 2);
  for (const close of orphans) assertOrphan(close);
  assert.deepEqual(
    new Map(orphans.map((close) => [connectionOf(close), close.headers['ws-event-id']])),
    new Map(opens.map((open) => [connectionOf(open), closeIdOf(open)])),
  );
});

test('kill -9 while an open call runs, with JOURNAL_DIR: the restart tells one close, as the backend may have accepted', async (t) => {
  const backend = await startBackend(t, (call) => (isEvent('open')(call) ? null : ok()));
  const env = { API_URI: backend.url, ...(await journal(t)) };
  const first = await startGateway(t, env);
  const asking = await openRaw(t, first.wsUrl);
  asking.write(upgradeRequest({ path: '/asking' }));
  const open = await backend.calls.first(isEvent('open'));
  first.process.kill('SIGKILL');
  await first.exited;
  backend.answer = () => ok();
  const second = await startGateway(t, env);
  const close = await backend.calls.first(isEvent('close', connectionOf(open)));
  assertOrphan(close);
  assert.equal(close.headers['ws-event-id'], closeIdOf(open));
  const newcomer = await enter(t, { gateway: second, backend });
  newcomer.ws.close();
  await backend.calls.first(isEvent('close', newcomer.id));
  assert.equal(backend.calls.all.filter(isEvent('close', connectionOf(open))).length, 1);
});

suite('kill -9 of one of three workers: exactly its connections are told, at once and once; nobody else notices', () => {
  for (const [where, environment] of [
    ['without a journal', () => Promise.resolve({})],
    ['with JOURNAL_DIR', journal],
  ] as const) {
    test(where, async (t) => {
      const backend = await startBackend(t, () => ok());
      const gateway = await startGateway(t, { API_URI: backend.url, WORKERS: '3', ...(await environment(t)) });
      const scene = { backend, gateway };
      const guests = [...(await fillWorkers(t, scene, { workers: 3, each: 4 })).values()].flat();
      const pids = workerPids(gateway);
      assert.equal(pids.length, 3);
      const ended = new Set<string>();
      for (const guest of guests) void guest.ended.then(() => ended.add(guest.id));

      const said = new Map(guests.map(({ id }) => [id, 0]));
      const refused = new Map<string, number>();
      const enough = new AbortController();
      /** Says a word and is pushed it, over and over. */
      const talk = async ({ id, ws, command }: (typeof guests)[number]): Promise<void> => {
        for (let round = 1; !enough.signal.aborted && !refused.has(id); round += 1) {
          const word = `${id}/${round}`;
          ws.send(word);
          said.set(id, round);
          const { status } = await askSomeone(command(), { method: 'PUT', body: word, headers: { 'idempotency-key': word } });
          if (status !== 200) refused.set(id, status);
        }
      };
      const talks = guests.map(talk);
      await backend.calls.atLeast(guests.length * 3, isEvent('message'));
      signalTo(pids[1] ?? Number.NaN, 'SIGKILL');
      await gateway.log.first(({ msg }) => msg === 'a worker died, another takes its place');
      const [first] = await backend.calls.atLeast(1, isEvent('close'));
      assert.ok(first);
      const victims = guests.filter(({ id }) => workerOf(id) === workerOf(connectionOf(first)));
      const survivors = guests.filter((guest) => !victims.includes(guest));
      await Promise.all(victims.map((victim) => backend.calls.first(isEvent('close', victim.id))));
      await Promise.all(victims.map((victim) => victim.ended));
      await gateway.log.first(({ msg }) => msg === 'a worker was replaced');
      await fillWorkers(t, scene, { workers: 3, each: 1 });
      enough.abort();
      await Promise.all(talks);

      assert.deepEqual([...refused.keys()].toSorted(), victims.map(({ id }) => id).toSorted(), 'who is pushed in vain is gone');
      for (const status of refused.values()) assert.ok(status === 404 || status === 504, String(status));
      assert.deepEqual([...ended].toSorted(), victims.map(({ id }) => id).toSorted());
      const closes = backend.calls.all.filter(isEvent('close'));
      assert.deepEqual(closes.map(connectionOf).toSorted(), victims.map(({ id }) => id).toSorted());
      for (const close of closes) assertOrphan(close);
      for (const { id, frames } of survivors) {
        const count = said.get(id) ?? 0;
        await backend.calls.first((call) => isEvent('message', id)(call) && call.text === `${id}/${count}`);
        await frames.atLeast(count);
        const words = Array.from({ length: count }, (_none, index) => `${id}/${index + 1}`);
        assert.deepEqual(
          backend.calls.all.filter(isEvent('message', id)).map(({ text }) => text),
          words,
        );
        assert.deepEqual(
          frames.all.map(({ text }) => text),
          words,
        );
      }
    });
  }
});

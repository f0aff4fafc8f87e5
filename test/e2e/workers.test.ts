import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { ask } from '../support/ask.ts';
import { startBackend, type Call, type Handler } from '../support/backend.ts';
import { connect, refusal } from '../support/client.ts';
import { sighted, watch } from '../support/event-stream.ts';
import { startGateway, workerPids } from '../support/gateway.ts';
import { bodyOf, enter, isEvent, ok, wholeFile, type Guest, type ProcessScene } from '../support/guests.ts';
import { exchangePipelined, pipelined } from '../support/pipelined.ts';
import { scrape } from '../support/scrape.ts';
import { gone, killIfThere } from '../support/signals.ts';
import { fillWorkers, workerOf } from '../support/workforce.ts';

const WORKERS = 2;
/** Requests on connections of their own until any worker was certainly asked: all go to one of two once in 2^15 times. */
const ROUNDS = 16;

const rounds = Array.from({ length: ROUNDS }, (_none, index) => index);

/** As in production: one answer or the other for the whole set. */
async function askAround<Result>(question: (round: number) => Promise<Result>): Promise<Result[]> {
  return await Promise.all(rounds.map(question));
}

// all is started before the first test: once the tests known by then are done, the runner closes what belongs to the file
const backend = await startBackend(wholeFile, (call) => {
  const room = isEvent('open')(call) ? (bodyOf(call)['path'] as string).slice(1) : '';
  return ok({ tags: { room, floor: '2' } });
});
const gateway = await startGateway(wholeFile, { API_URI: backend.url, WORKERS: String(WORKERS) });
const scene: ProcessScene = { backend, gateway };
const guests: Guest[] = [...(await fillWorkers(wholeFile, scene, { workers: WORKERS, each: 3 })).values()].flat();

const directory = await mkdtemp(join(tmpdir(), 'routes-'));
wholeFile.after(() => rm(directory, { recursive: true, force: true }));
const file = join(directory, 'routes.yaml');
const rawBackend = await startBackend(wholeFile, ({ method }) => ({ body: method === 'GET' ? 'ok' : '' }));
const write = (path: string) => writeFile(file, `routes:\n  - { path: ${path}, dialect: raw, backend: "${rawBackend.url}" }\n`);
await write('/raw/:id');
const rawGateway = await startGateway(wholeFile, { ROUTES_FILE: file, WORKERS: String(WORKERS) });

const url = (path: string): string => gateway.controlUrl + path;

suite('commands of any worker reach the connections of any worker', { concurrency: true }, () => {
  test('a push', async () => {
    for (const { command, frames, id } of guests) {
      const answers = await askAround((round) => ask(command(), { method: 'PUT', body: `push ${round}` }));
      assert.ok(answers.every(({ status, body }) => status === 200 && body === '{"code":"OK"}'));
      await frames.atLeast(ROUNDS, ({ text }) => text.startsWith('push '));
      const heard = frames.all.map(({ text }) => text).filter((text) => text.startsWith('push '));
      assert.deepEqual(heard.toSorted(), rounds.map((round) => `push ${round}`).toSorted(), id);
    }
  });

  test('pushes that are pipelined on one connection, in their order, whichever worker took it', async (t) => {
    const [guest] = guests;
    const numbers = rounds.map((_none, index) => `in order ${index}`);
    for (const round of rounds) {
      const requests = numbers.map((number) => pipelined('PUT', `/${guest?.id}`, `${number} of ${round}`));
      const statuses = await exchangePipelined(t, gateway.controlUrl, { requests, bytesApiece: Infinity });
      assert.deepEqual(new Set(statuses), new Set([200]));
      const mine = ({ text }: { readonly text: string }): boolean => text.endsWith(` of ${round}`);
      const heard = await guest?.frames.atLeast(numbers.length, mine);
      assert.deepEqual(
        heard?.map(({ text }) => text),
        numbers.map((number) => `${number} of ${round}`),
      );
    }
  });

  test('a describe: the same from everyone', async () => {
    for (const { command, id } of guests) {
      const answers = await askAround(() => ask(command()));
      const [first] = answers;
      assert.equal((JSON.parse(first?.body ?? '') as { id: string }).id, id);
      for (const { status, body } of answers) assert.deepEqual([status, body], [200, first?.body]);
    }
  });

  test('an id that nobody has is 404 from everyone, whoever it seems to belong to', async () => {
    for (const { id } of guests.slice(0, WORKERS * 2)) {
      const stranger = url(`/${workerOf(id)}${'A'.repeat(24)}`);
      for (const { status } of await askAround(() => ask(stranger, { method: 'PUT', body: 'x' }))) assert.equal(status, 404);
    }
  });

  test('a close: with code and reason, and exactly one worker answers 200', async (t) => {
    const leavers = await fillWorkers(t, scene, { workers: WORKERS, each: 1 });
    for (const guest of [...leavers.values()].flat()) {
      const answers = await askAround(() => ask(guest.command('?code=4001&reason=enough'), { method: 'DELETE' }));
      assert.deepEqual(answers.map(({ status }) => String(status)).toSorted(), ['200', ...rounds.slice(1).map(() => '404')]);
      assert.deepEqual(await guest.ended, { code: 4001, reason: 'enough' });
      const close = await backend.calls.first(isEvent('close', guest.id));
      assert.equal(close.headers['ws-close-code'], '4001');
      assert.equal(close.headers['ws-orphan'], undefined);
    }
  });

  test('a selection: sent once to each match, tagged, counted and closed, whoever is asked', async (t) => {
    const selected: Guest[] = [];
    while (new Set(selected.map(({ id }) => workerOf(id))).size < WORKERS || selected.length < 6) {
      const client = await connect(t, `${gateway.wsUrl}/selected`);
      const open = (
        await backend.calls.atLeast(selected.length + 1, (call) => isEvent('open')(call) && bodyOf(call)['path'] === '/selected')
      ).at(-1);
      const id = String((open as Call).headers['ws-connection']);
      selected.push({ ...client, id, command: (suffix = '') => url(`/${id}${suffix}`), push: () => Promise.reject(new Error('unused')) });
    }
    const count = String(selected.length);
    for (const { body } of await askAround(() => ask(url('/count?room=selected')))) assert.equal(body, count);
    for (const { body } of await askAround((round) => ask(url('/send?room=selected'), { method: 'POST', body: `all ${round}` }))) {
      assert.equal(body, count);
    }
    for (const { frames } of selected) {
      const heard = (await frames.atLeast(ROUNDS)).map(({ text }) => text);
      assert.deepEqual(heard.toSorted(), rounds.map((round) => `all ${round}`).toSorted());
    }
    const tagged = await ask(url('/settags?room=selected'), { method: 'POST', body: 'room=tagged' });
    assert.equal(tagged.body, count);
    for (const { body } of await askAround(() => ask(url('/count?room=tagged&floor=2')))) assert.equal(body, count);
    const { body: trees } = await ask(url('/tree'), { headers: { accept: 'application/json' } });
    assert.equal((JSON.parse(trees) as Record<string, Record<string, number>>)['room']?.['tagged'], selected.length);
    const sent = await ask(url('/send?room=tagged'), { method: 'POST', body: 'bye', headers: { accept: 'application/json' } });
    const { nodes, ...sums } = JSON.parse(sent.body) as Record<string, unknown> & { nodes: unknown[] };
    assert.deepEqual(sums, { matched: selected.length, sent: selected.length, failed: 0, unreachable: [] });
    assert.equal(nodes.length, 1, 'the workers of a node are one node');
    assert.equal(sent.headers['ws-incomplete'], undefined);
    assert.equal((await ask(url('/close?room=tagged&closeCode=4002'), { method: 'POST' })).body, count);
    for (const { ended } of selected) assert.equal((await ended).code, 4002);
  });

  test('status: pages that together name every connection once', async () => {
    for (const limit of [1, 2, 5]) {
      const seen: string[] = [];
      let cursor: string | null = '';
      while (cursor !== null) {
        const { body } = await ask(url(`/status?limit=${limit}&cursor=${cursor}`), { headers: { accept: 'application/json' } });
        const page = JSON.parse(body) as { connections: { id: string }[]; next: string | null };
        assert.ok(page.connections.length <= limit);
        seen.push(...page.connections.map(({ id }) => id));
        cursor = page.next;
      }
      assert.equal(new Set(seen).size, seen.length, 'none twice');
      for (const { id } of guests) assert.ok(seen.includes(id));
    }
    const { body: text } = await ask(url('/status'));
    for (const { id } of guests) assert.equal(text.split('\n').filter((line) => line.startsWith(`id=${id} `)).length, 1);
  });
});

async function sceneOf(t: Pick<TestContext, 'after'>, env: Record<string, string> = {}, handler?: Handler): Promise<ProcessScene> {
  const backend = await startBackend(t, handler);
  const gateway = await startGateway(t, { API_URI: backend.url, WORKERS: String(WORKERS), ...env });
  const pids = workerPids(gateway);
  t.after(() => {
    for (const pid of pids) killIfThere(pid);
  });
  return { backend, gateway };
}

suite('ROUTES_FILE with workers', () => {
  test('a client-chosen id belongs to the newest, whichever worker it came to; the old one gets 4409 and is told', async (t) => {
    let holder = await connect(t, `${rawGateway.wsUrl}/raw/box`);
    for (let round = 1; round <= ROUNDS; round += 1) {
      const newcomer = await connect(t, `${rawGateway.wsUrl}/raw/box`);
      assert.equal((await holder.ended).code, 4409);
      const closes = await rawBackend.calls.atLeast(round, isEvent('close', 'box'));
      assert.equal(closes.at(-1)?.headers['ws-close-code'], '4409');
      holder = newcomer;
      const pushes = [1, 2, 3, 4].map((number) => ask(`${rawGateway.controlUrl}/box`, { method: 'POST', body: `${round}.${number}` }));
      for (const { status, body } of await Promise.all(pushes)) assert.deepEqual([status, body], [200, 'ok']);
      await holder.frames.atLeast(4);
    }
    const opens = rawBackend.calls.all.filter(isEvent('open', 'box'));
    assert.ok(new Set(opens.map(({ headers }) => workerOf(String(headers['ws-event-id'])))).size > 1, 'it came to several workers');
    holder.ws.close();
    await rawBackend.calls.atLeast(ROUNDS + 1, isEvent('close', 'box'));
    assert.equal(
      new Set(rawBackend.calls.all.filter(isEvent('close', 'box')).map(({ headers }) => headers['ws-event-id'])).size,
      ROUNDS + 1,
    );
    assert.equal((await ask(`${rawGateway.controlUrl}/box`, { method: 'POST', body: 'late' })).status, 404);
  });

  test('SIGHUP: every worker knows the new routes, and forgets the old ones', async (t) => {
    const old = await connect(t, `${rawGateway.wsUrl}/raw/stays`);
    for (const round of rounds) assert.equal((await refusal(t, `${rawGateway.wsUrl}/new/${round}`)).status, 404);
    await write('/new/:id');
    rawGateway.process.kill('SIGHUP');
    await rawGateway.log.atLeast(WORKERS, ({ msg }) => msg === 'routes were read again');
    for (const round of rounds) await connect(t, `${rawGateway.wsUrl}/new/${round}`);
    for (const round of rounds) assert.equal((await refusal(t, `${rawGateway.wsUrl}/raw/${round}`)).status, 404);
    assert.equal((await ask(`${rawGateway.controlUrl}/stays`, { method: 'POST', body: 'still here' })).status, 200);
    await old.frames.first(({ text }) => text === 'still here');
  });
});

suite('the end of workers', { concurrency: true }, () => {
  test('metrics are the sum of all; SIGTERM to the supervisor drains all: 1001, what was sent arrives, every close told, exit code 0', async (t) => {
    const scene = await sceneOf(t, { DRAIN_MS: '500' });
    const guests = [...(await fillWorkers(t, scene, { workers: WORKERS, each: 5 })).values()].flat();
    for (const { body } of await askAround(() => ask(`${scene.gateway.controlUrl}/metrics`))) {
      assert.match(body, new RegExp(`^wsaas_connections ${guests.length}$`, 'm'));
      assert.match(body, new RegExp(`^wsaas_opens_accepted_total ${guests.length}$`, 'm'));
    }
    for (const { ws } of guests) ws.send('last words');
    scene.gateway.process.kill('SIGTERM');
    for (const { ended } of guests) assert.equal((await ended).code, 1001);
    assert.deepEqual(await scene.gateway.exited, { code: 0, signal: null });
    const ids = guests.map(({ id }) => id).toSorted();
    for (const event of ['message', 'close'] as const) {
      assert.deepEqual(
        scene.backend.calls.all
          .filter(isEvent(event))
          .map(({ headers }) => String(headers['ws-connection']))
          .toSorted(),
        ids,
      );
    }
    await gone(workerPids(scene.gateway), 60_000);
  });

  test('a second signal ends all at once', async (t) => {
    const { backend, gateway } = await sceneOf(t, { DRAIN_DELAY_MS: '60000' });
    const guest = await enter(t, { backend, gateway });
    gateway.process.kill('SIGTERM');
    await gateway.log.atLeast(WORKERS, ({ msg }) => msg === 'draining');
    gateway.process.kill('SIGTERM');
    assert.notEqual((await gateway.exited).code, 0);
    await gone(workerPids(gateway), 60_000);
    assert.equal((await guest.ended).code, 1006);
  });

  test('a supervisor that is killed leaves no worker behind: they say goodbye, tell the closes and end', async (t) => {
    const { backend, gateway } = await sceneOf(t);
    const guests = [...(await fillWorkers(t, { backend, gateway }, { workers: WORKERS, each: 2 })).values()].flat();
    gateway.process.kill('SIGKILL');
    await gone(workerPids(gateway), 60_000);
    for (const { ended } of guests) assert.equal((await ended).code, 1001);
    const closes = backend.calls.all.filter(isEvent('close')).map(({ headers }) => String(headers['ws-connection']));
    assert.deepEqual(closes.toSorted(), guests.map(({ id }) => id).toSorted());
  });
});

test('who watches one worker sees what happens on all, and may search all', async (t) => {
  const stream = await watch(t, `${gateway.controlUrl}/console/events?figures=true`);
  await stream.told.first(({ event }) => event === 'figures'); // from here on every worker looks
  const speakers = [...new Map(guests.map((guest) => [workerOf(guest.id), guest])).values()];
  assert.equal(speakers.length, WORKERS);
  for (const { ws } of speakers) ws.send('for the console');
  for (const { id } of speakers) await sighted(stream, (one) => one.type === 'answered' && one.id === id);
  const { data } = await stream.told.first(({ event, data }) => event === 'figures' && (data as Figures).processes.length === WORKERS);
  assert.deepEqual(
    new Set((data as Figures).processes.map(({ process: owner }) => owner)),
    new Set(speakers.map(({ id }) => workerOf(id))),
  );
  const ids: string[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const { body } = await ask(`${gateway.controlUrl}/console/connections?tags=floor%3D2&limit=2&cursor=${cursor}`);
    const page = JSON.parse(body) as { connections: { id: string }[]; next: string | null };
    ids.push(...page.connections.map(({ id }) => id));
    cursor = page.next;
  }
  assert.equal(new Set(ids).size, ids.length, 'nobody is on two pages');
  for (const { id } of speakers) assert.ok(ids.includes(id));
});

test('who watches is counted once, whichever worker serves them and whichever is scraped', async (t) => {
  const before = (await scrape(gateway.controlUrl)).value('wsaas_console_watchers');
  for (let index = 0; index < 5; index += 1) await watch(t, `${gateway.controlUrl}/console/events`);
  for (let index = 0; index < 10; index += 1) assert.equal((await scrape(gateway.controlUrl)).value('wsaas_console_watchers') - before, 5);
});

type Figures = { readonly processes: readonly { readonly process: string }[] };

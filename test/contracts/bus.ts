import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { SENT, NOT_FOUND, CLOSING, QUEUED, type Command, type Outcome, type Part, type Query } from '../../src/core/commands.ts';
import { connectionId, ownerToken } from '../../src/core/ids.ts';
import type { Bus, BusHandler } from '../../src/core/ports.ts';
import { Arrivals } from '../support/arrivals.ts';

/** One process on the bus, as its bus sees it; its answers are what the test sets. */
export class Process implements BusHandler {
  readonly owner = ownerToken();
  readonly id = connectionId(this.owner);
  readonly commands = new Arrivals<Command>();
  readonly queries = new Arrivals<Query>();
  readonly evictions = new Arrivals<readonly [id: string, key: string]>();
  /** Client-chosen ids of connections here, let in or not. */
  readonly held = new Set<string>();
  outcome: Outcome = SENT;

  execute(command: Command): Outcome | Promise<Outcome> {
    if (!command.id.startsWith(this.owner) && !this.held.has(command.id)) return NOT_FOUND;
    this.commands.add(command);
    return this.outcome;
  }

  answer(query: Query): Promise<Part> {
    this.queries.add(query);
    return Promise.resolve({
      node: 'node',
      owner: this.owner,
      matched: 1,
      sent: 1,
      failed: 0,
      problem: null,
      tree: null,
      list: null,
      reached: null,
      seen: null,
      metrics: null,
    });
  }

  evict(id: string, key: string): void {
    this.evictions.add([id, key]);
  }

  bereaved(): void {}

  disown(_keys: ReadonlySet<string>): void {}
}

/** Starts one bus per process and has each serve its own; closed by `t.after`. */
export type BusFactory = (t: TestContext, processes: readonly Process[]) => Promise<readonly Bus[]>;

const push = (id: string, data = Buffer.from([0, 255, 10])): Command => ({
  type: 'push',
  id,
  message: { data, isBinary: true },
  idempotencyKey: 'key',
});

/** Every outcome that may cross processes. */
const OUTCOMES: readonly Outcome[] = [
  SENT,
  QUEUED,
  CLOSING,
  NOT_FOUND,
  { type: 'invalid', detail: 'no UTF-8 \u2603' },
  { type: 'too-long', maxBytes: 7 },
  { type: 'slow', retryAfterMs: 1_000 },
];

/** What every adapter of the port `Bus` promises; `processes` is 1 where it joins none. */
export function busContract(name: string, options: { readonly processes: 1 | 3; readonly create: BusFactory }): void {
  async function scene(t: TestContext) {
    const processes = Array.from({ length: options.processes }, () => new Process());
    const buses = await options.create(t, processes);
    assert.equal(buses.length, processes.length);
    return { processes, buses, own: processes[0] as Process, bus: buses[0] as Bus };
  }

  suite(`bus ${name}`, () => {
    test('for an id that nobody owns nobody acts, and not-found is the answer', async (t) => {
      const { bus, processes } = await scene(t);
      for (const id of [connectionId(ownerToken()), 'client-chosen', '', 'x', '\u2603 /?', '__proto__']) {
        const outcome = (await bus.ask(push(id))) ?? NOT_FOUND;
        assert.deepEqual(outcome, NOT_FOUND, id);
      }
      for (const { commands } of processes) assert.deepEqual(commands.all, []);
    });

    test('a query to all brings one part of every other process', async (t) => {
      const { bus, processes } = await scene(t);
      const { parts, unreachable } = await bus.askAll({ type: 'tree' });
      const others = processes.slice(1).map(({ owner }) => owner);
      assert.deepEqual([parts.map(({ owner }) => owner).toSorted(), unreachable], [others.toSorted(), []]);
      assert.deepEqual(processes[0]?.queries.all, [], 'the asking process answers for itself');
    });

    test('an id that nobody holds can be claimed, released and claimed again', async (t) => {
      const { bus, own } = await scene(t);
      assert.equal(await bus.claim('station-1', 'key-1', false), true);
      bus.release('station-1', 'key-1');
      bus.release('station-1', 'key-1');
      bus.release('never claimed', 'key-1');
      assert.equal(await bus.claim('station-1', 'key-2', false), true);
      assert.deepEqual(own.evictions.all, []);
    });

    test('after close nothing throws and everything still has an answer', async (t) => {
      const { bus } = await scene(t);
      await bus.close();
      await bus.close();
    });

    if (options.processes > 1) connectedContract(scene);
  });
}

type Scene = (t: TestContext) => Promise<{ readonly processes: readonly Process[]; readonly buses: readonly Bus[] }>;

/** For those that do join processes. */
function connectedContract(scene: Scene): void {
  async function three(t: TestContext) {
    const { processes, buses } = await scene(t);
    return { processes: processes as readonly [Process, Process, Process], buses: buses as readonly [Bus, Bus, Bus] };
  }

  test('a command reaches its owner only, byte for byte, and every outcome comes back as it is', async (t) => {
    const { processes, buses } = await three(t);
    const [asking, owner, other] = processes;
    const description = {
      id: owner.id,
      namespace: '/tenant-a',
      path: '/',
      tags: { a: '\u2603' },
      connectedAt: 1,
      lastActiveAt: 2,
      remoteAddress: '::1',
      subprotocol: null,
      node: 'n',
    };
    for (const outcome of [...OUTCOMES, { type: 'described', description } as const]) {
      owner.outcome = outcome;
      assert.deepEqual(await buses[0].ask(push(owner.id)), outcome);
    }
    assert.deepEqual(owner.commands.all[0], push(owner.id));
    assert.deepEqual([asking.commands.all, other.commands.all], [[], []]);
  });

  test('commands of one process to another keep their order', async (t) => {
    const { processes, buses } = await three(t);
    const [, owner] = processes;
    await Promise.all(Array.from({ length: 50 }, async (_, count) => buses[0].ask(push(owner.id, Buffer.from([count])))));
    assert.deepEqual(
      owner.commands.all.map((command) => command.type === 'push' && command.message.data[0]),
      Array.from({ length: 50 }, (_, count) => count),
    );
  });

  test('a command for a claimed id reaches who claimed it', async (t) => {
    const { processes, buses } = await three(t);
    processes[1].held.add('station-1');
    assert.equal(await buses[1].claim('station-1', 'key-1', true), true);
    assert.deepEqual(await buses[0].ask(push('station-1')), SENT);
    assert.equal(processes[1].commands.all.length, 1);
    processes[1].held.clear();
    buses[1].release('station-1', 'key-1');
    await buses[1].claim('other', 'key-2', true); // claims and releases of one process are ordered
    assert.deepEqual(await buses[0].ask(push('station-1')), NOT_FOUND);
  });

  test('a command for an id that is not claimed yet reaches the process that is just letting its client in', async (t) => {
    const { processes, buses } = await three(t);
    processes[2].held.add('station-2');
    assert.deepEqual(await buses[0].ask(push('station-2')), SENT);
    assert.deepEqual(
      processes.map(({ commands }) => commands.all.length),
      [0, 0, 1],
    );
  });

  test('the newest claim wins where it may replace, and the older holder is told to evict its own', async (t) => {
    const { processes, buses } = await three(t);
    processes[1].held.add('station-1');
    processes[2].held.add('station-1');
    await buses[1].claim('station-1', 'old', true);
    assert.equal(await buses[2].claim('station-1', 'new', true), true);
    await processes[1].evictions.first(([id, key]) => id === 'station-1' && key === 'old');
    buses[1].release('station-1', 'old');
    await buses[1].claim('other', 'x', true);
    assert.deepEqual(await buses[0].ask(push('station-1')), SENT);
    assert.equal(processes[2].commands.all.length, 1, 'the release of the old claim does not end the new one');
    assert.deepEqual([processes[0].evictions.all, processes[2].evictions.all], [[], []]);
  });

  test('a held id stays with its holder where it may not be replaced', async (t) => {
    const { processes, buses } = await three(t);
    await buses[1].claim('station-1', 'first', false);
    assert.equal(await buses[2].claim('station-1', 'second', false), false);
    assert.deepEqual(processes[1].evictions.all, []);
  });
}

import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { NOT_FOUND, SENT, type Command, type Outcome } from '../../src/core/commands.ts';
import type { LedgerEntry } from '../../src/core/ports.ts';
import { Process } from '../contracts/bus.ts';
import { ledgerEntry } from '../contracts/ledger.ts';
import { startCable } from '../support/cable.ts';
import { startEngine, type EngineKind, type EngineServer } from '../support/engine-server.ts';
import { BACK_MS, joinNode as join, LEASE, until, type Member } from './cluster-members.ts';

const push = (id: string): Command => ({
  type: 'push',
  id,
  message: { data: Buffer.from('x'), isBinary: false },
  idempotencyKey: null,
});

const isOfGarbage = ({ message }: { readonly message: string }): boolean => message.includes('could not be understood');
const isSent = (outcome: Outcome): boolean => outcome.type === 'sent';
const keysOf = (entries: readonly LedgerEntry[]): string[] => entries.map(({ key }) => key).toSorted();

/** What an engine that joins machines keeps when it, or the way to it, fails (docs/operations.md#several-machines). */
export function clusterContract(kind: EngineKind): void {
  async function scene(t: TestContext): Promise<{ readonly server: EngineServer; readonly a: Member; readonly b: Member }> {
    const server = await startEngine(t, kind);
    const [a, b] = [await join(t, server.url), await join(t, server.url)];
    await a.bus.askAll({ type: 'tree' }); // from now on it knows the other
    return { server, a, b };
  }

  test(`${kind}: while the engine is down everything is answered at once, and nothing waits`, async (t) => {
    const { server, a, b } = await scene(t);
    await server.kill();
    await until(a.problem, (problem) => problem !== null);
    const startedAt = performance.now();
    assert.equal((await a.bus.ask(push(b.node.id)))?.type, 'unavailable');
    assert.equal((await a.bus.ask(push('station')))?.type, 'unavailable');
    assert.deepEqual(await a.bus.askAll({ type: 'tree' }), { parts: [], unreachable: [`node-${b.owner}`] });
    assert.equal(await a.bus.claim('station', 'key', true), true);
    await a.ledger.opened(ledgerEntry('late'));
    assert.notEqual(a.ledger.problem, null);
    assert.ok(performance.now() - startedAt < 100, 'an answer took long');
    assert.deepEqual(b.node.commands.all, []);
  });

  test(`${kind}: an engine that comes back empty knows commands, claims and open connections again within 5 s`, async (t) => {
    const { server, a, b } = await scene(t);
    await a.ledger.opened(ledgerEntry('before'));
    await a.ledger.opened(ledgerEntry('gone'));
    await b.bus.claim('station', 'key', true);
    b.node.held.add('station');
    await server.kill();
    await until(a.problem, (problem) => problem !== null);
    await a.ledger.opened(ledgerEntry('meanwhile'));
    a.ledger.forget('gone');
    await server.restart();
    const startedAt = performance.now();
    await until(async () => (await a.bus.ask(push(b.node.id))) ?? NOT_FOUND, isSent);
    await until(async () => (await a.bus.ask(push('station'))) ?? NOT_FOUND, isSent);
    await until(async () => (await b.bus.ask(push(a.node.id))) ?? NOT_FOUND, isSent);
    assert.ok(performance.now() - startedAt < BACK_MS);
    await until(a.problem, (problem) => problem === null);
    await a.leave();
    assert.deepEqual(keysOf(await b.ledger.orphans()), ['before', 'meanwhile']);
    assert.deepEqual([a.node.disowned, b.node.disowned], [[], []]);
  });

  test(`${kind}: with an engine that hangs nothing waits longer than the time-out, and what was answered is not carried out later`, async (t) => {
    const { server, a, b } = await scene(t);
    server.freeze();
    const startedAt = performance.now();
    const [outcome, answers] = await Promise.all([
      a.bus.ask(push(b.node.id)),
      a.bus.askAll({ type: 'tree' }),
      a.ledger.opened(ledgerEntry('new')),
    ]);
    assert.ok(performance.now() - startedAt < 2_000);
    assert.equal(outcome?.type, 'unavailable');
    assert.deepEqual(answers.unreachable, [`node-${b.owner}`]);
    server.thaw();
    await until(async () => (await a.bus.ask({ type: 'describe', id: b.node.id })) ?? NOT_FOUND, isSent);
    assert.deepEqual(
      b.node.commands.all.map(({ type }) => type).filter((type) => type === 'push'),
      [],
    );
    await a.leave();
    assert.deepEqual(
      keysOf(
        await until(
          () => b.ledger.orphans(),
          ({ length }) => length > 0,
        ),
      ),
      ['new'],
    );
  });

  test(`${kind}: an engine that was away for longer than a lease makes nobody an orphan`, async (t) => {
    const server = await startEngine(t, kind);
    const patient = { timeoutMs: LEASE.leaseMs * 10 }; // so that the connections stay: nobody begins anew
    const [a, b] = [await join(t, server.url, patient), await join(t, server.url, patient)];
    await Promise.all([a.ledger.orphans(), b.ledger.orphans()]); // both are in touch for a lease
    await a.ledger.opened(ledgerEntry('a'));
    await b.ledger.opened(ledgerEntry('b'));
    server.freeze();
    await sleep(LEASE.leaseMs * 2);
    assert.deepEqual([a.isInDoubt(), b.isInDoubt()], [true, true], 'others may have taken them for dead');
    server.thaw();
    await until(
      () => a.isInDoubt() || b.isInDoubt(),
      (isInDoubt) => !isInDoubt,
    );
    await until(async () => (await a.bus.ask(push(b.node.id))) ?? NOT_FOUND, isSent);
    await until(async () => (await b.bus.ask(push(a.node.id))) ?? NOT_FOUND, isSent);
    assert.deepEqual(await Promise.all([a.ledger.orphans(), b.ledger.orphans()]), [[], []]);
    assert.deepEqual([a.node.disowned, b.node.disowned], [[], []]);
  });

  test(`${kind}: who sees the engine move again first gives the others the time to say that they live`, async (t) => {
    const server = await startEngine(t, kind);
    const cable = await startCable(t, server.port);
    const patient = { timeoutMs: LEASE.leaseMs * 10 };
    const [first, slow] = [await join(t, server.url, patient), await join(t, `${kind}://127.0.0.1:${cable.port}`, patient)];
    await slow.ledger.opened(ledgerEntry('slow'));
    await first.ledger.orphans();
    server.freeze();
    cable.pause();
    await sleep(LEASE.leaseMs * 2);
    server.thaw();
    const orphans = first.ledger.orphans();
    assert.deepEqual((await first.bus.askAll({ type: 'tree' })).parts, [], 'the engine moves, the other is not heard yet');
    cable.resume();
    assert.deepEqual([await orphans, slow.node.disowned, first.node.deaths], [[], [], 0]);
  });

  test(`${kind}: a process that is cut off past its lease is told of as dead, and gives up what was open when it is back`, async (t) => {
    const server = await startEngine(t, kind);
    const cable = await startCable(t, server.port);
    const lost = await join(t, `${kind}://127.0.0.1:${cable.port}`, { timeoutMs: 300 });
    const heir = await join(t, server.url);
    await lost.ledger.opened(ledgerEntry('old'));
    await heir.ledger.orphans();
    cable.cut();
    await until(
      () => heir.node.deaths,
      (deaths) => deaths > 0,
    );
    assert.deepEqual(keysOf(await heir.ledger.orphans()), ['old']);
    assert.deepEqual(await heir.bus.ask(push(lost.node.id)), NOT_FOUND);
    await lost.ledger.opened(ledgerEntry('new'));
    cable.heal();
    await until(lost.problem, (problem) => problem === null);
    assert.deepEqual(lost.node.disowned, ['old']);
    await until(async () => (await heir.bus.ask(push(lost.node.id))) ?? NOT_FOUND, isSent);
    await lost.leave();
    assert.deepEqual(keysOf(await heir.ledger.orphans()), ['new'], 'what it opened later is its own, and what was told is told once');
  });

  test(`${kind}: a command for a process that hangs is answered by timeout, and not carried out when it is back`, async (t) => {
    const server = await startEngine(t, kind);
    const cable = await startCable(t, server.port);
    const hanging = await join(t, `${kind}://127.0.0.1:${cable.port}`);
    const asking = await join(t, server.url, { timeoutMs: 300 });
    cable.pause();
    assert.equal((await asking.bus.ask(push(hanging.node.id)))?.type, 'timeout');
    cable.resume();
    await until(async () => (await asking.bus.ask({ type: 'describe', id: hanging.node.id })) ?? NOT_FOUND, isSent);
    assert.deepEqual(
      hanging.node.commands.all.filter(({ type }) => type === 'push'),
      [],
    );
  });

  test(`${kind}: of claims that were made while the engine was away the newest wins`, async (t) => {
    const { server, a, b } = await scene(t);
    await a.bus.claim('station', 'first', true);
    await server.kill();
    await until(b.problem, (problem) => problem !== null);
    await b.bus.claim('station', 'second', true);
    b.node.held.add('station');
    await server.restart();
    await a.node.evictions.first(([id, key]) => id === 'station' && key === 'first');
    await until(async () => (await a.bus.ask(push('station'))) ?? NOT_FOUND, isSent);
    assert.deepEqual(b.node.evictions.all, []);
  });

  test(`${kind}: the id of a process that died is free for the next, and nobody is found by it`, async (t) => {
    const server = await startEngine(t, kind);
    const cable = await startCable(t, server.port);
    const dead = await join(t, `${kind}://127.0.0.1:${cable.port}`, { timeoutMs: 300 });
    const [heir, asking] = [await join(t, server.url), await join(t, server.url)];
    await dead.bus.claim('station', 'old', false);
    await dead.ledger.opened({ ...ledgerEntry('old'), id: 'station' });
    cable.cut();
    await sleep(LEASE.leaseMs + LEASE.renewMs);
    assert.deepEqual(await asking.bus.ask(push('station')), NOT_FOUND);
    assert.deepEqual(keysOf(await heir.ledger.orphans()), ['old']);
    assert.equal(await heir.bus.claim('station', 'new', false), true);
  });

  test(`${kind}: garbage on the channels is counted, logged once and harms nobody`, async (t) => {
    const server = await startEngine(t, kind);
    const [a, b] = [await join(t, server.url), await join(t, server.url)];
    const shout = await shouter(t, kind, server);
    const whole = Buffer.from([0x57, 1, 0, 0, 0, 36, ...Buffer.from('{"from":"AAAAAA","items":[{"kind":1}]}').subarray(0, 36)]);
    for (const garbage of [
      '',
      'x',
      '\0'.repeat(100),
      '{"from":"AAAAAA"}',
      whole,
      Buffer.from([0x57, 1, 255, 255, 255, 255, 1]),
      Buffer.from([0x57, 9]),
    ]) {
      for (const channel of ['all', b.owner]) await shout(channel, Buffer.from(garbage));
    }
    assert.deepEqual(await a.bus.ask(push(b.node.id)), SENT);
    const { parts } = await b.bus.askAll({ type: 'tree' });
    assert.equal(parts.length, 1);
    assert.equal((await b.garbage.atLeast(14)).length, 14);
    await b.logged.first(isOfGarbage);
    assert.equal(b.logged.all.filter(isOfGarbage).length, 1);
  });

  test(`${kind}: an answer that is larger than the engine carries names the node that it is missing of`, async (t) => {
    const { a, b } = await scene(t);
    const huge = 'x'.repeat(1_000_000);
    b.node.answer = async (query) => ({
      ...(await Process.prototype.answer.call(b.node, query)),
      metrics: Array.from({ length: 70 }, () => huge),
    });
    assert.deepEqual(await a.bus.askAll({ type: 'tree' }), { parts: [], unreachable: [`node-${b.owner}`] });
  });
}

/** Says anything on a channel: the one for all, or a process's inbox. */
async function shouter(
  t: TestContext,
  kind: EngineKind,
  { port }: EngineServer,
): Promise<(channel: string, bytes: Buffer) => Promise<void>> {
  if (kind === 'redis') {
    const { Redis } = await import('ioredis');
    const redis = new Redis(port, '127.0.0.1');
    t.after(() => redis.disconnect());
    return async (channel, bytes) => void (await redis.publish(channel === 'all' ? 'test:all' : `test:to:${channel}`, bytes));
  }
  const { connect } = await import('@nats-io/transport-node');
  const nats = await connect({ servers: `127.0.0.1:${port}` });
  t.after(() => nats.close());
  return async (channel, bytes) => {
    nats.publish(channel === 'all' ? 'test.all' : `test.to.${channel}`, bytes);
    await nats.flush();
  };
}

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { NOT_FOUND } from '../../src/core/commands.ts';
import { ledgerEntry } from '../contracts/ledger.ts';
import { trustedCertificate, type Certificate } from '../support/certificate.ts';
import { missing, startEngine } from '../support/engine-server.ts';
import { natsAccounts } from '../support/nats-accounts.ts';
import { speakingTls, startSentinel } from '../support/redis-kinds.ts';
import { joinCluster, joinNode, until } from './cluster-members.ts';

const FAILOVER_MS = 15_000;

suite('ways into redis', { skip: missing('redis') }, () => {
  test('rediss:// speaks TLS, and trusts no certificate that nobody vouches for', async (t) => {
    const server = (certificate: Certificate) => startEngine(t, 'redis', speakingTls(certificate));
    const { port } = await server(await trustedCertificate(t));
    const [a, b] = [await joinNode(t, `rediss://localhost:${port}`), await joinNode(t, `rediss://127.0.0.1:${port}`)];
    assert.deepEqual((await a.bus.ask({ type: 'describe', id: b.node.id }))?.type, 'sent');
    const plain = await joinCluster(t, `redis://localhost:${port}`, { timeoutMs: 300 });
    assert.notEqual(plain.problem(), null);
    const closers: (() => unknown)[] = [];
    const unknown = await trustedCertificate({ after: (close) => void closers.push(close as () => unknown) });
    const stranger = await server(unknown);
    for (const close of closers) await close();
    const wary = await joinCluster(t, `rediss://localhost:${stranger.port}`, { timeoutMs: 300 });
    assert.match(String(wary.problem()), /self-signed|certificate/);
  });

  test('redis+sentinel:// follows the primary to where its Sentinels say it is', async (t) => {
    const primary = await startEngine(t, 'redis');
    await startEngine(t, 'redis', ['--replicaof', '127.0.0.1', String(primary.port), '--repl-diskless-sync-delay', '0']);
    const sentinel = await startSentinel(t, primary);
    const url = `redis+sentinel://127.0.0.1:${sentinel.port}/mymaster`;
    const [a, b] = [await joinNode(t, url), await joinNode(t, url)];
    await a.ledger.opened(ledgerEntry('before'));
    assert.deepEqual((await a.bus.ask({ type: 'describe', id: b.node.id }))?.type, 'sent');
    await knowsReplica(t, sentinel.port);
    await primary.kill();
    await until(a.problem, (problem) => problem !== null);
    const outcome = await until(
      async () => (await a.bus.ask({ type: 'describe', id: b.node.id })) ?? NOT_FOUND,
      ({ type }) => type === 'sent',
      FAILOVER_MS,
    );
    assert.equal(outcome.type, 'sent');
    await a.leave();
    assert.deepEqual(
      (await b.ledger.orphans()).map(({ key }) => key),
      ['before'],
    );
    assert.deepEqual([a.node.disowned, b.node.disowned], [[], []]);
  });
});

/** Resolves when a Sentinel has found out that its primary has a replica. */
async function knowsReplica(t: { after: (close: () => void) => void }, port: number): Promise<void> {
  const { Redis } = await import('ioredis');
  const redis = new Redis(port, '127.0.0.1');
  t.after(() => redis.disconnect());
  await until(
    async () => (await redis.call('SENTINEL', 'replicas', 'mymaster')) as unknown[],
    ({ length }) => length > 0,
    FAILOVER_MS,
  );
}

suite('ways into nats', { skip: missing('nats') }, () => {
  test('tls:// speaks TLS', async (t) => {
    const { certFile, keyFile } = await trustedCertificate(t);
    const { port } = await startEngine(t, 'nats', ['--tls', '--tlscert', certFile, '--tlskey', keyFile]);
    const [a, b] = [await joinNode(t, `tls://localhost:${port}`), await joinNode(t, `tls://localhost:${port}`)];
    assert.deepEqual((await a.bus.ask({ type: 'describe', id: b.node.id }))?.type, 'sent');
  });

  test('a user, in the URL or in a file, lets a process in; a wrong password is the problem that is told', async (t) => {
    const { port } = await startEngine(t, 'nats', ['--user', 'gate', '--pass', 'p:w']);
    assert.equal((await joinCluster(t, `nats://gate:p%3Aw@127.0.0.1:${port}`)).problem(), null);
    assert.equal((await joinCluster(t, `nats://127.0.0.1:${port}`, { credentials: 'gate:p:w' })).problem(), null);
    assert.match(String((await joinCluster(t, `nats://gate:no@127.0.0.1:${port}`, { timeoutMs: 500 })).problem()), /auth/i);
  });

  test('a token lets a process in', async (t) => {
    const { port } = await startEngine(t, 'nats', ['--auth', 's3cret']);
    assert.equal((await joinCluster(t, `nats://s3cret@127.0.0.1:${port}`)).problem(), null);
    assert.equal((await joinCluster(t, `nats://127.0.0.1:${port}`, { credentials: 's3cret' })).problem(), null);
  });

  test('credentials of an account, as NATS writes them into a .creds file, let a process in; those of another do not', async (t) => {
    const accounts = natsAccounts();
    const { port } = await startEngine(t, 'nats', async (_port, directory) => {
      const file = join(directory, 'nats.conf');
      await writeFile(file, accounts.config);
      return ['--config', file];
    });
    const url = `nats://127.0.0.1:${port}`;
    const [a, b] = [
      await joinNode(t, url, { credentials: accounts.credentials }),
      await joinNode(t, url, { credentials: accounts.credentials }),
    ];
    assert.deepEqual((await a.bus.ask({ type: 'describe', id: b.node.id }))?.type, 'sent');
    const stranger = await joinCluster(t, url, { credentials: natsAccounts().credentials, timeoutMs: 500 });
    assert.match(String(stranger.problem()), /auth/i);
  });

  test('of several servers in the URL one that lives is taken', async (t) => {
    const [dead, alive] = [await startEngine(t, 'nats'), await startEngine(t, 'nats')];
    await dead.kill();
    const joined = await joinCluster(t, `${dead.url},${alive.url}`, { timeoutMs: 3_000 });
    assert.equal(joined.problem(), null);
  });
});

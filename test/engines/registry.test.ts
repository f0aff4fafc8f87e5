import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig, ConfigError } from '../../src/config/load.ts';
import { ENGINE_SCHEMES } from '../../src/config/forms.ts';
import { EngineRefused, openEngine, SCHEMES } from '../../src/engines/index.ts';
import { missing, startEngine } from '../support/engine-server.ts';
import { joinCluster, LEASE } from './cluster-members.ts';
import { SILENT_LOG } from '../contracts/samples.ts';

/** What docs/operations.md says that a user needs. */
const RIGHTS = ['+@pubsub', '+@scripting', '+@hash', '+@read', '+@write', '+@connection', '+info', '+time'];
const API_URI = 'http://localhost:1';

test('CLUSTER_URL may begin with what the registry has, and with nothing else', async () => {
  assert.deepEqual(ENGINE_SCHEMES.toSorted(), SCHEMES.toSorted());
  const options = {
    credentials: null,
    cluster: 'c',
    owner: 'AAAAAA',
    node: 'n',
    timeoutMs: 100,
    log: SILENT_LOG,
    lease: LEASE,
    garbageCame: () => {},
  };
  await assert.rejects(openEngine({ ...options, url: 'memcached://host' }), EngineRefused);
});

test('a CLUSTER_URL that cannot be used is a mistake that is named, without its password', () => {
  for (const url of [
    'host:6379',
    'http://host',
    'redis://',
    'redis+sentinel://h1:26379,h2:26379',
    'redis://a:hunter2@h1,nats://a:hunter2@h2',
    'redis://a:hunter2@h1,redis://a:hunter2@h1',
    'redis://a:hunter2@h1,h2',
  ]) {
    assert.throws(
      () => loadConfig({ API_URI, CLUSTER_URL: url }),
      (error: Error) => error instanceof ConfigError && error.message.includes('CLUSTER_URL: must') && !error.message.includes('hunter2'),
      url,
    );
  }
  for (const url of [
    'redis://h',
    'rediss://user:pass@h:1/2',
    'redis://[::1]:6379',
    'redis+sentinel://u:p@h1:1,h2:2/mymaster',
    'redis://h1,rediss://h2:1',
    'redis+sentinel://h1,h2/m,redis://h3',
    'nats://h1,nats://h2',
  ]) {
    const { config, effective } = loadConfig({ API_URI, CLUSTER_URL: url });
    assert.deepEqual([config.CLUSTER_URL, effective['CLUSTER_URL']], [url, '***']);
  }
});

test('a Redis Cluster is refused with the reason', { skip: missing('redis') }, async (t) => {
  const { url } = await startEngine(t, 'redis', ['--cluster-enabled', 'yes']);
  await assert.rejects(joinCluster(t, url), /CLUSTER_URL: this Redis is a Redis Cluster, whose classic pub\/sub/);
});

test(
  'a password, in the URL or in a file, lets a process in; a wrong one is the problem that is told',
  { skip: missing('redis') },
  async (t) => {
    const { url, port } = await startEngine(t, 'redis', [
      '--requirepass',
      'p:%/w',
      '--user',
      'gate',
      'on',
      '>s3',
      '~wsaas:*',
      '&wsaas:*',
      ...RIGHTS,
    ]);
    const withUser = await joinCluster(t, `redis://gate:s3@127.0.0.1:${port}`, { cluster: 'wsaas' });
    assert.equal(withUser.problem(), null);
    assert.equal((await joinCluster(t, url, { credentials: ':p:%/w' })).problem(), null);
    const wrong = await joinCluster(t, `redis://:wrong@127.0.0.1:${port}`);
    assert.match(String(wrong.problem()), /WRONGPASS|NOAUTH/);
  },
);

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { readWsgateway } from '../../src/templates/wsgateway/read.ts';
import { readRoutesFile } from '../../src/routes/file.ts';
import { routesText } from '../../src/templates/routes-text.ts';
import { folderWith } from '../support/folder.ts';
import { routesFile } from '../support/routes-file.ts';

/** Every setting that wsgateway knows. */
const REDIS = `
listen_addr: 0.0.0.0:5000
internal_endpoint_access_whitelist:
  - 127.0.0.1/8
  - 10.0.0.0/8
connection_redis_sync:
  addr: redis://localhost:6379/0?client_name=wsgateway
stream_redis:
  addr: redis://user:secret@localhost:6379/0?client_name=wsgateway&pool_size=1000
  stream_name: events-{tag.version:1}-{json.type}
max_message_size_kb: 1024
endpoints:
  - path: /connect
  - path: /connect/v2
    set_tags: { version: 2 }
    stream_include_tags: [version, user]
    max_message_size_kb: 64
    json_extract_vars: { type: data.type, unused: a.b, 'bad-name': c }
  - set_tags: { lost: yes }
prometheus: { enabled: true }
surprise: 1
`;

const AMQP = `
stream_amqp:
  addr: amqp://guest:guest@localhost:5672/vhost
  exchange: wsgateway
  queue: wsgateway.wsevents
  routing_key: 'a.{json.type:none}.b c'
  headers: { a: b }
endpoints: [{ path: /ws }]
`;

test('what is printed is a routes file', async (t) => {
  const folder = await folderWith(t, { 'redis.yml': REDIS, 'amqp.yml': AMQP });
  for (const [name, count] of [
    ['redis.yml', 2],
    ['amqp.yml', 1],
  ] as const) {
    const { path } = await routesFile(t, routesText(readWsgateway(join(folder, name)).routes, ['made by a test']));
    assert.equal((await readRoutesFile(path)).length, count);
  }
});

test("every setting of wsgateway's config.yml becomes a route, a variable, or a line that says why not", async (t) => {
  const folder = await folderWith(t, { 'config.yml': REDIS });
  const { routes, environment, notes } = readWsgateway(join(folder, 'config.yml'));
  const backend = 'redis://user:secret@localhost:6379/0?stream=events-{tag.version:1}-{json.type}';
  assert.deepEqual(routes, [
    { path: '/connect', dialect: 'stream', backend, streamIncludeTags: [] },
    {
      path: '/connect/v2',
      dialect: 'stream',
      backend,
      tags: { version: '2' },
      streamIncludeTags: ['version', 'user'],
      jsonExtractVars: { type: 'data.type' },
      maxMessageBytes: 65_536,
    },
  ]);
  assert.deepEqual(environment, {
    HOST: '0.0.0.0',
    PORT: '5000',
    CONTROL_ALLOW: '127.0.0.1/8,10.0.0.0/8',
    MAX_MESSAGE_BYTES: '1048576',
    COMPRESSION: 'on',
  });
  assert.deepEqual(
    notes.map((note) => note.replace(/^.*config\.yml:(\d+: [^:]*):.*$/, '$1')),
    [
      '7: connection_redis_sync.addr',
      '9: stream_redis.addr',
      '9: stream_redis.addr',
      '18: endpoints.1.json_extract_vars.unused',
      '18: endpoints.1.json_extract_vars.bad-name',
      '19: endpoints.2',
      '21: surprise',
    ],
  );
});

test('a stream of AMQP keeps its exchange, its queue and its routing key', async (t) => {
  const folder = await folderWith(t, { 'config.yml': AMQP });
  const { routes, environment, notes } = readWsgateway(join(folder, 'config.yml'));
  const [{ backend }] = routes as [{ backend: string }];
  assert.equal(
    backend,
    'amqp://guest:guest@localhost:5672/vhost?exchange=wsgateway&queue=wsgateway.wsevents&routingKey=a.{json.type:none}.b+c',
  );
  assert.equal(new URLSearchParams(backend.split('?')[1]).get('routingKey'), 'a.{json.type:none}.b c');
  assert.deepEqual(environment, { HOST: '0.0.0.0', PORT: '8080', CONTROL_ALLOW: '127.0.0.1/8,::1/128', COMPRESSION: 'on' });
  assert.match(notes.join('\n'), /stream_amqp\.headers: wsgateway never sent them/);
  assert.match(notes.join('\n'), /max_message_size_kb: wsgateway takes 131072 KiB/);
});

test('both streams, or none, are a mistake, as they are to wsgateway', async (t) => {
  const folder = await folderWith(t, {
    'both.yml': 'stream_redis: { addr: "redis://a" }\nstream_amqp: { addr: "amqp://a" }\nendpoints: []\n',
    'none.yml': 'endpoints: [{ path: /ws }]\n',
    'other.yml': 'a: b\n',
  });
  for (const name of ['both', 'none'])
    assert.throws(() => readWsgateway(join(folder, `${name}.yml`)), /:\d+: one of stream_redis\.addr and stream_amqp\.addr was wanted/);
  assert.throws(() => readWsgateway(join(folder, 'other.yml')), /other\.yml:1: a config\.yml of wsgateway/);
});

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { parse } from 'yaml';
import { TEMPLATE_FLAGS } from '../../src/cli/commands/template-arguments.ts';
import { awsRoutes } from '../../src/templates/aws-routes.ts';
import { readTemplate } from '../../src/templates/read.ts';
import { readWsgateway } from '../../src/templates/wsgateway/read.ts';
import { folderWith } from '../support/folder.ts';
import { NOTHING_SAID } from './reading.ts';

const page = (name: string): Promise<string> => readFile(new URL(`../../docs/${name}`, import.meta.url), 'utf8');

test('the routes file that docs/aws.md shows is what the importer makes of the chat', async () => {
  const folder = fileURLToPath(new URL('../../examples/aws-chat', import.meta.url));
  const { apis } = await readTemplate(`${folder}/serverless.yml`, { ...NOTHING_SAID, stage: 'prod' });
  const { routes } = awsRoutes(apis, { targets: 'module', region: undefined, domainName: 'gw.example.com', folder });
  const [, shown = ''] = /^```yaml\n(.*?)^```$/ms.exec(await page('aws.md')) ?? [];
  const { $connect } = routes[0]?.['routes'] as Record<string, unknown>;
  const { openTimeoutMs: _more, ...rest } = routes[0] ?? { path: '' };
  assert.deepEqual(parse(shown), { routes: [{ ...rest, routes: { $connect } }] });
});

test('docs/aws.md names no flag that does not exist', async () => {
  const known = new Set([...Object.keys(TEMPLATE_FLAGS), 'port', 'events', 'json', 'domain-name', 'targets', 'endpoint-url', 'aws']);
  const named = [...(await page('aws.md')).matchAll(/--([a-z][a-z-]+)/g)].map(([, name = '']) => name);
  assert.ok(named.length > 5);
  assert.deepEqual(
    named.filter((name) => !known.has(name)),
    [],
  );
});

test("docs/migration.md has a row for every setting that wsgateway's importer reads", async (t) => {
  const table = await page('migration.md');
  for (const setting of SETTINGS) assert.ok(table.includes(`| \`${setting}\` |`), setting);
  const folder = await folderWith(t, { 'config.yml': 'stream_redis: { addr: "redis://a" }\nendpoints: [{ path: /a }]\nlisten_adr: x\n' });
  assert.match(readWsgateway(`${folder}/config.yml`).notes.join('\n'), /:3: listen_adr: no setting of wsgateway has this name/);
});

const SETTINGS = [
  'listen_addr',
  'internal_endpoint_access_whitelist',
  'connection_redis_sync.addr',
  'stream_redis.addr',
  'stream_redis.stream_name',
  'stream_amqp.addr',
  'stream_amqp.exchange',
  'stream_amqp.queue',
  'stream_amqp.routing_key',
  'stream_amqp.headers',
  'max_message_size_kb',
  'endpoints[].path',
  'endpoints[].set_tags',
  'endpoints[].stream_include_tags',
  'endpoints[].max_message_size_kb',
  'endpoints[].json_extract_vars',
  'prometheus.enabled',
];

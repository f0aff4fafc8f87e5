import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { parse } from 'yaml';
import { TEMPLATE_FLAGS } from '../../src/cli/commands/template-arguments.ts';
import { awsRoutes } from '../../src/templates/aws-routes.ts';
import { readTemplate } from '../../src/templates/read.ts';
import { readWsgateway } from '../../src/templates/wsgateway/read.ts';
import { readRoutesFile } from '../../src/routes/file.ts';
import { routesText } from '../../src/templates/routes-text.ts';
import { folderWith } from '../support/folder.ts';
import { routesFile } from '../support/routes-file.ts';
import { NOTHING_SAID } from './reading.ts';

const page = (name: string): Promise<string> => readFile(new URL(`../../docs/${name}`, import.meta.url), 'utf8');

test('the routes file that docs/aws.md shows is what the importer makes of the chat', async () => {
  const folder = fileURLToPath(new URL('../../examples/aws-chat', import.meta.url));
  const { apis } = await readTemplate(`${folder}/serverless.yml`, { ...NOTHING_SAID, stage: 'prod' });
  const { routes } = awsRoutes(apis, { targets: 'module', region: undefined, domainName: 'gw.example.com', folder });
  const [, shown = ''] = /^```yaml\n(.*?)^```$/ms.exec(await page('aws.md')) ?? [];
  const { openTimeoutMs: _more, ...rest } = routes[0] ?? { path: '' };
  const { $connect } = Object(rest['routes']) as Record<string, unknown>;
  assert.deepEqual(parse(shown), { routes: [{ ...rest, routes: { $connect } }] });
});

test('what the importer prints of every sample is a routes file, whatever runs the functions', async (t) => {
  const examples = fileURLToPath(new URL('../../examples/', import.meta.url));
  for (const template of ['aws-chat/serverless.yml', 'aws-authorizer/template.yaml', 'aws-broadcast/cdk.out']) {
    const { apis, notes } = await readTemplate(`${examples}${template}`, NOTHING_SAID);
    assert.deepEqual(notes, [], template);
    for (const targets of ['module', 'rie', 'lambda'] as const) {
      const { routes } = awsRoutes(apis, { targets, region: undefined, domainName: 'gw.example.com', folder: examples });
      const { path } = await routesFile(t, routesText(routes, ['made by a test']));
      assert.deepEqual(JSON.parse(JSON.stringify(await readRoutesFile(path))), JSON.parse(JSON.stringify(routes)), template);
    }
  }
});

test('the asset that the CDK made of the broadcast is its handlers as they lie there', async () => {
  const folder = new URL('../../examples/aws-broadcast/', import.meta.url);
  const asset = (await readdir(new URL('cdk.out/', folder))).find((name) => name.startsWith('asset.'));
  for (const name of ['broadcast.mjs', 'listeners.mjs'])
    assert.equal(
      await readFile(new URL(`cdk.out/${asset}/${name}`, folder), 'utf8'),
      await readFile(new URL(`handlers/${name}`, folder), 'utf8'),
    );
});

test('docs/aws.md names no flag that does not exist', async () => {
  const known = new Set([
    ...Object.keys(TEMPLATE_FLAGS),
    'port',
    'host',
    'events',
    'json',
    'domain-name',
    'targets',
    'endpoint-url',
    'aws',
  ]);
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

import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { pino } from 'pino';
import { WebSocket } from 'ws';
import { parse } from 'yaml';
import { createApp } from '../../src/app.ts';
import { ConfigError, loadConfig } from '../../src/config/load.ts';
import { optionsWith } from '../../src/config/options.ts';
import { DIALECTS } from '../../src/dialects/index.ts';
import { readRoutesFile } from '../../src/routes/file.ts';
import { openApi } from '../../tools/generate/openapi.ts';
import { optionTable } from '../../tools/generate/option-table.ts';
import { routesFile } from '../support/routes-file.ts';
import { toy } from '../support/toy-dialect/index.ts';

/** The line in the registry. */
const dialects = { ...DIALECTS, toy };

test('a dialect of one folder and one line is served', async (t) => {
  const heard: string[] = [];
  const told = new EventEmitter();
  const backend = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += String(chunk)));
    request.on('end', () => {
      heard.push(body);
      response.end('fine');
      told.emit('heard');
    });
  });
  backend.listen(0, '127.0.0.1');
  await once(backend, 'listening');
  t.after(() => backend.close());
  const origin = `http://127.0.0.1:${(backend.address() as AddressInfo).port}`;
  const { path: file } = await routesFile(
    t,
    `routes:\n  - { path: /toy, dialect: toy, backend: "${origin}/x", toyColour: blue }\n  - { path: /own, dialect: toy, backend: "${origin}/x", toyPatienceMs: 5 }\n`,
  );
  const { config } = loadConfig(
    { ROUTES_FILE: file, HOST: '127.0.0.1', PORT: '0', CONTROL_PORT: '0', TOY_PATIENCE_MS: '77' },
    { dialects },
  );
  const app = await createApp(config, pino({ level: 'silent' }), { node: 'test', link: null, dialects });
  t.after(() => app.close());
  const { publicUrl, controlUrl } = await app.listen();
  const client = new WebSocket(`${publicUrl.replace('http', 'ws')}/toy`);
  t.after(() => client.terminate());
  await once(client, 'open');
  const [, id] = heard[0]?.split(' ') ?? [];
  assert.equal(heard[0], `open ${id} blue 77`);
  const second = once(told, 'heard');
  client.send('hello');
  await second;
  assert.equal(heard[1], 'message hello');
  const received = once(client, 'message');
  const answer = await fetch(`${controlUrl}/shout/${id}`, { method: 'POST', body: 'loud' });
  assert.equal(answer.status, 200);
  assert.equal(String((await received)[0]), 'LOUD');
  const third = once(told, 'heard');
  client.close(4001);
  await third;
  assert.equal(heard[2], 'close 4001');
  const other = new WebSocket(`${publicUrl.replace('http', 'ws')}/own`);
  t.after(() => other.terminate());
  await once(other, 'open');
  assert.match(heard[3] ?? '', /^open \S+ red 5$/, 'the route overrides the global option, and has the default of its own');
  const gone = once(told, 'heard');
  other.close();
  await gone; // before the app closes, which waits for its clients
});

test('its options are configured, checked and documented', () => {
  assert.match(optionTable(optionsWith(dialects)), /\| `TOY_PATIENCE_MS` \| `1234` \| Dialect `toy`: ms of patience\. \|/);
  assert.throws(
    () => loadConfig({ API_URI: 'http://localhost:1', TOY_PATIENCE_MS: 'long' }, { dialects }),
    (error) => error instanceof ConfigError && /TOY_PATIENCE_MS: must be a whole number, came "long"/.test(error.message),
  );
  assert.deepEqual(loadConfig({ API_URI: 'http://localhost:1', TOY_PATIENC_MS: '5' }, { dialects }).warnings.length, 1);
});

test('its route options and its own checks are those of the routes file', async (t) => {
  const { path: wrong } = await routesFile(
    t,
    'routes:\n  - { path: /a, dialect: toy, backend: "http://b", toyPatienceMs: 0 }\n  - { path: /b, dialect: toy, backend: "http://b", toyColour: 5 }\n',
  );
  await assert.rejects(readRoutesFile(wrong, dialects), /toyPatienceMs.*\n.*toyColour/);
  const { path: forbidden } = await routesFile(t, 'routes:\n  - { path: /forbidden, dialect: toy, backend: "http://b" }\n');
  await assert.rejects(readRoutesFile(forbidden, dialects), /routes\.0\.path: must not be forbidden/);
  await assert.rejects(readRoutesFile(forbidden), /dialect: must be one of wsaas, raw, ocpp/);
});

test('its commands and its calls stand in openapi.yaml', async () => {
  const document = parse(await openApi(dialects)) as { paths: object; webhooks: object };
  assert.ok('/shout/{id}' in document.paths);
  assert.ok('toyOpen' in document.webhooks && 'ocppCall' in document.webhooks && 'rawMessage' in document.webhooks);
});

test('its words are no ids that a client may choose, while it is in the registry', async (t) => {
  const { path: file } = await routesFile(t, 'routes:\n  - { path: "/r/:id", dialect: raw, backend: "http://127.0.0.1:1" }\n');
  const { config } = loadConfig({ ROUTES_FILE: file, HOST: '127.0.0.1', PORT: '0', CONTROL_PORT: '0' }, { dialects });
  const app = await createApp(config, pino({ level: 'silent' }), { node: 'test', link: null, dialects });
  t.after(() => app.close());
  const { publicUrl } = await app.listen();
  const client = new WebSocket(`${publicUrl.replace('http', 'ws')}/r/shout`);
  const [, response] = (await once(client, 'unexpected-response')) as [unknown, { statusCode: number; destroy: () => void }];
  assert.equal(response.statusCode, 400);
  response.destroy();
  client.on('error', () => {});
  client.terminate();
});

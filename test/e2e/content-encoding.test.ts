import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { startBackend, type Answer } from '../support/backend.ts';
import { connect, refusal } from '../support/client.ts';
import { startGateway } from '../support/gateway.ts';
import { bodyOf, enter, isEvent, ok, wholeFile } from '../support/guests.ts';
import { pipelined } from '../support/pipelined.ts';
import { openRaw } from '../support/raw-socket.ts';
import { routesFile } from '../support/routes-file.ts';

const CODINGS = {
  gzip: gzipSync,
  'x-gzip': gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
  zstd: zstdCompressSync,
  'identity, GZip': gzipSync,
} as const;
const CLEAR = [{}, { 'content-encoding': 'identity' }, { 'content-encoding': 'Identity' }, { 'content-encoding': '' }];

const encoded = (text: string, type = 'text/plain') => ({
  body: gzipSync(text),
  headers: { 'content-encoding': 'gzip', 'content-type': type },
});

const backend = await startBackend(wholeFile, (call) => {
  if (!isEvent('open')(call)) return reply(call.text);
  const path = String(bodyOf(call)['path']);
  if (path === '/chat/encoded') return encoded('{"code":"OK"}');
  if (path === '/chat/refused') return { ...encoded('{"code":"NOT_YOU"}'), status: 403 };
  return ok();
});
/** Of the dialects raw and ocpp. */
const other = await startBackend(wholeFile, ({ method, url, text }) => {
  if (url.startsWith('/raw/')) {
    if (method !== 'GET') return reply(text);
    return url.endsWith('/encoded') ? encoded('ok') : { body: 'ok' };
  }
  if (!url.startsWith('/ocpp/call/')) return {};
  return url.includes('/Heartbeat/') ? encoded('{"currentTime":"now"}') : { ...encoded('{"code":"NotSupported"}'), status: 400 };
});

function reply(text: string): Answer {
  if (text === 'encode as text') return encoded('a secret');
  if (text === 'encode as bytes') return encoded('a secret', 'application/octet-stream');
  if (text === 'identity') return { body: 'as it is', headers: { 'content-encoding': 'identity' } };
  if (text === 'nothing') return { headers: { 'content-encoding': 'gzip', 'ws-set-tags': 'seen=1' } };
  return { body: `you said ${text}` };
}

const routes = await routesFile(
  wholeFile,
  `
routes:
  - { path: "/chat/:name", backend: "${backend.url}", reply: true }
  - { path: "/raw/:id", dialect: raw, backend: "http://127.0.0.1:${other.port}/raw" }
  - { path: "/ocpp/:id", dialect: ocpp, backend: "http://127.0.0.1:${other.port}/ocpp" }
`,
);
const gateway = await startGateway(wholeFile, { ROUTES_FILE: routes.path });
const scene = { gateway, backend };

suite('commands', () => {
  for (const [coding, encode] of Object.entries(CODINGS)) {
    test(`a body in ${coding} is 415 that asks for it as it is, text and binary, and nothing is sent`, async (t) => {
      const word = coding.replaceAll(/\W/g, '');
      const guest = await enter(t, scene, { path: `/chat/${word}` });
      const station = await connect(t, `${gateway.wsUrl}/ocpp/CP-${word}`, { subprotocols: ['ocpp1.6'] });
      await connect(t, `${gateway.wsUrl}/raw/r-${word}`);
      for (const type of ['text/plain', 'application/octet-stream', 'application/json']) {
        const headers = { 'content-encoding': coding, 'content-type': type };
        const asked: readonly (readonly [method: string, path: string, body: string])[] = [
          ['PUT', `/${guest.id}`, 'hello'],
          ['DELETE', `/${guest.id}`, '{"code":4001}'],
          ['POST', `/send?id=${guest.id}`, 'hello'],
          ['POST', `/close?id=${guest.id}`, 'goodbye'],
          ['POST', `/settags?id=${guest.id}`, 'seen=1'],
          ['POST', `/call/Reset/CP-${word}/m1`, '{}'],
          ['POST', `/raw-less`, 'hello'],
          ['POST', `/r-${word}`, 'hello'],
        ];
        for (const [method, path, body] of asked) {
          const response = await fetch(gateway.controlUrl + path, { method, headers, body: new Uint8Array(encode(Buffer.from(body))) });
          assert.deepEqual([method, path, response.status], [method, path, 415]);
          assert.equal(response.headers.get('accept-encoding'), 'identity');
          const text = await response.text();
          if (path.startsWith('/r')) assert.equal(text, 'the body must have no Content-Encoding');
          else assert.equal((JSON.parse(text) as { code: string }).code, 'UNSUPPORTED_MEDIA_TYPE');
        }
      }
      for (const headers of CLEAR) assert.equal((await guest.push('as it is', headers as Record<string, string>)).status, 200);
      await guest.frames.atLeast(CLEAR.length);
      assert.deepEqual(new Set(guest.frames.all.map(({ text }) => text)), new Set(['as it is']));
      assert.equal(station.frames.all.length, 0);
    });
  }

  test('an encoding of no body is none: what a client says of all its requests harms none', async (t) => {
    const guest = await enter(t, scene, { path: '/chat/empty' });
    const headers = { 'content-encoding': 'gzip' };
    assert.equal((await fetch(guest.command(), { headers })).status, 200);
    assert.equal((await fetch(`${gateway.controlUrl}/count?all=true`, { headers })).status, 200);
    assert.equal((await fetch(guest.command(), { method: 'DELETE', headers })).status, 200);
  });

  test('a bomb costs its own bytes only, and an encoded body over the limit is 413', async (t) => {
    const guest = await enter(t, scene, { path: '/chat/bomb' });
    const bomb = gzipSync(Buffer.alloc(100_000_000));
    const response = await guest.push(new Uint8Array(bomb), { 'content-encoding': 'gzip' });
    assert.equal(response.status, 415);
    const large = await guest.push(new Uint8Array(300_000), { 'content-encoding': 'gzip' });
    assert.equal(large.status, 413);
  });

  for (const [method, path] of [
    ['PUT', '/goes-on'],
    ['POST', '/goes-on'],
    ['DELETE', '/goes-on'],
    ['POST', '/send?all=true'],
    ['POST', '/close?all=true'],
    ['POST', '/settags?all=true'],
    ['POST', '/call/Reset/CP-goes-on/m1'],
  ] as const) {
    test(`the connection goes on behind ${method} ${path} with a body that is too long: an end would reset the upload`, async (t) => {
      const raw = await openRaw(t, gateway.controlUrl);
      const long = pipelined(method, path, 'x'.repeat(1_000_000));
      raw.write(long.slice(0, 100_000));
      const { status, headers } = await raw.answer;
      assert.deepEqual([status, headers['connection'] === 'close'], [413, false]);
      const answered = new Promise<void>((resolve) => {
        raw.socket.on('data', (chunk: Buffer) => chunk.includes('HTTP/1.1 200 ') && resolve());
      });
      raw.write(long.slice(100_000), pipelined('GET', '/count?all=true'));
      await Promise.race([answered, raw.ended.then(() => assert.fail('it ended'))]);
    });
  }

  test('dialect raw says in words that a body is too long, however long it is', async (t) => {
    await connect(t, `${gateway.wsUrl}/raw/long`);
    for (const length of [262_145, 1_000_000]) {
      const response = await fetch(`${gateway.controlUrl}/long`, { method: 'POST', body: 'x'.repeat(length) });
      assert.deepEqual([response.status, await response.text()], [413, 'message too long']);
    }
  });
});

suite('answers of the backend', () => {
  test('are asked for as they are, for every event', async (t) => {
    const guest = await enter(t, scene, { path: '/chat/asks' });
    guest.ws.send('hello');
    await guest.frames.first(({ text }) => text === 'you said hello');
    guest.ws.close();
    await backend.calls.first(isEvent('close', guest.id));
    const calls = backend.calls.all.filter(({ headers }) => headers['ws-connection'] === guest.id);
    assert.deepEqual(
      calls.map(({ headers }) => headers['accept-encoding']),
      ['identity', 'identity', 'identity'],
    );
  });

  test('that are encoded all the same never reach the client, in dialect wsaas and raw; those after them do', async (t) => {
    for (const path of ['/chat/replies', '/raw/replies']) {
      const client = await connect(t, gateway.wsUrl + path);
      for (const text of ['encode as text', 'encode as bytes', 'nothing', 'identity', 'last']) client.ws.send(text);
      await client.frames.first(({ text }) => text === 'you said last');
      assert.deepEqual(
        client.frames.all.map(({ text }) => text),
        ['as it is', 'you said last'],
      );
    }
    const complaints = gateway.log.all.filter(({ complaint }) => String(complaint).includes('Content-Encoding gzip'));
    assert.equal(complaints.length, 4);
    assert.equal(await (await fetch(`${gateway.controlUrl}/count?seen=1`)).text(), '2', 'the tags of an empty answer count');
  });

  test('to open that are encoded cannot be read: 502, and no close event follows', async (t) => {
    for (const [path, asked] of [
      ['/chat/encoded', backend],
      ['/raw/encoded', other],
    ] as const) {
      const before = asked.calls.all.length;
      const { status, body } = await refusal(t, gateway.wsUrl + path);
      assert.equal(status, 502);
      assert.match(body, /"code":"BAD_GATEWAY".*Content-Encoding gzip/);
      const last = await connect(t, `${gateway.wsUrl}${path}-not`);
      last.ws.close();
      const opens = asked.calls.all.slice(before).filter(isEvent('open'));
      const [first, second] = opens.map(({ headers }) => String(headers['ws-connection']));
      assert.notEqual(first, second);
      await asked.calls.first(isEvent('close', second));
      assert.ok(!asked.calls.all.some(isEvent('close', first)));
    }
    const refused = await refusal(t, `${gateway.wsUrl}/chat/refused`);
    assert.deepEqual([refused.status, (JSON.parse(refused.body) as { code: string }).code], [403, 'REFUSED']);
  });

  test('to a call of a charge point that are encoded become InternalError', async (t) => {
    const station = await connect(t, `${gateway.wsUrl}/ocpp/CP-calls`, { subprotocols: ['ocpp1.6'] });
    station.ws.send('[2,"1","Heartbeat",{}]');
    assert.match((await station.frames.first(({ text }) => text.startsWith('[4,"1"'))).text, /InternalError.*Content-Encoding gzip/);
    station.ws.send('[2,"2","Other",{}]');
    assert.match((await station.frames.first(({ text }) => text.startsWith('[4,"2"'))).text, /InternalError/);
  });
});

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { startBackend } from '../support/backend.ts';
import { startGateway } from '../support/gateway.ts';
import { enter, isEvent, stillServes, wholeFile } from '../support/guests.ts';
import { exchange, openRaw, upgradeRequest, type HttpAnswer } from '../support/raw-socket.ts';

const HANDSHAKE_TIMEOUT_MS = 400;
const backend = await startBackend(wholeFile);
const gateway = await startGateway(wholeFile, {
  API_URI: backend.url,
  HANDSHAKE_TIMEOUT_MS: String(HANDSHAKE_TIMEOUT_MS),
  MAX_MESSAGE_BYTES: '5000',
});
const scene = { gateway, backend };
const witness = await enter(wholeFile, scene);

function saysWhy({ status, headers, body }: HttpAnswer): void {
  assert.match(headers['content-type'] ?? '', /^application\/json/, `${status} ${body}`);
  const { code, message } = JSON.parse(body) as Record<string, unknown>;
  assert.deepEqual([typeof code, typeof message], ['string', 'string']);
}

const long = 'x'.repeat(20_000);
const put = (target: string, head: string, body: string | Buffer = ''): Buffer =>
  Buffer.concat([Buffer.from(`PUT ${target} HTTP/1.1\r\nHost: a\r\n${head}\r\n`, 'latin1'), Buffer.from(body as string)]);

const UPGRADES: readonly (readonly [what: string, request: string, status: number | readonly number[]])[] = [
  ['version 12', upgradeRequest({ headers: { 'Sec-WebSocket-Version': '12' } }), 426],
  ['version 0', upgradeRequest({ headers: { 'Sec-WebSocket-Version': '0' } }), 426],
  ['no version', upgradeRequest({ headers: { 'Sec-WebSocket-Version': null } }), 426],
  ['two versions', upgradeRequest({ extra: 'Sec-WebSocket-Version: 8\r\n' }), 426],
  ['no key', upgradeRequest({ headers: { 'Sec-WebSocket-Key': null } }), 400],
  ['an empty key', upgradeRequest({ headers: { 'Sec-WebSocket-Key': '' } }), 400],
  ['a short key', upgradeRequest({ headers: { 'Sec-WebSocket-Key': 'c2hvcnQ=' } }), 400],
  ['a key that is no base64', upgradeRequest({ headers: { 'Sec-WebSocket-Key': '!!!!!!!!!!!!!!!!!!!!!!==' } }), 400],
  ['two keys', upgradeRequest({ extra: 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n' }), 400],
  ['method POST', upgradeRequest({ method: 'POST' }), [405, 426]],
  ['method PUT', upgradeRequest({ method: 'PUT' }), [405, 426]],
  ['method HEAD', upgradeRequest({ method: 'HEAD' }), 405],
  ['method OPTIONS on *', upgradeRequest({ method: 'OPTIONS', path: '*' }), [405, 426]],
  ['HTTP/1.0', upgradeRequest({ version: '1.0' }), 400],
  ['HTTP/2.0', upgradeRequest({ version: '2.0' }), 505],
  ['HTTP/0.9', upgradeRequest({ version: '0.9' }), 505],
  ['no Host', upgradeRequest({ headers: { Host: null } }), 400],
  ['an empty Host', upgradeRequest({ headers: { Host: '' } }), 400],
  ['two Hosts', upgradeRequest({ extra: 'Host: other\r\n' }), 400],
  ['a subprotocol twice', upgradeRequest({ headers: { 'Sec-WebSocket-Protocol': 'a, a' } }), 400],
  ['a subprotocol that is no token', upgradeRequest({ headers: { 'Sec-WebSocket-Protocol': 'a b' } }), 400],
  ['a header of 20 KB', upgradeRequest({ headers: { 'X-Long': long } }), 431],
  ['a path of 20 KB', upgradeRequest({ path: `/${long}` }), 414],
  ['a space in a header name', upgradeRequest({ extra: 'X Y: z\r\n' }), 400],
  ['a NUL in a header', upgradeRequest({ extra: 'X: \0\r\n' }), 400],
  ['a folded header', upgradeRequest({ extra: 'X: a\r\n b\r\n' }), 400],
  ['another protocol', upgradeRequest({ path: '/a/b', headers: { Upgrade: 'h2c', 'HTTP2-Settings': 'AAMAAABkAAQ' } }), 426],
  ['the HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
  ['a TLS hello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
  ['length and chunks at once', put('/nobody', 'Content-Length: 3\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n').toString(), 400],
  ['two lengths', put('/nobody', 'Content-Length: 3\r\nContent-Length: 4\r\n', 'abcd').toString(), 400],
  ['a negative length', put('/nobody', 'Content-Length: -1\r\n').toString(), 400],
  ['a chunk size that is not a number', put('/nobody', 'Transfer-Encoding: chunked\r\n', 'zz\r\n').toString(), 400],
];

for (const [what, request, status] of UPGRADES) {
  test(`a request with ${what} is ${String(status)}, and the backend is not asked`, async (t) => {
    const asked = backend.calls.all.filter(isEvent('open')).length;
    const answer = await exchange(t, gateway.publicUrl, Buffer.from(request, 'latin1'));
    assert.ok([status].flat().includes(answer.status), `${answer.status}: ${answer.body}`);
    if (!request.startsWith('HEAD')) saysWhy(answer);
    if (status === 426 && what !== 'another protocol') assert.equal(answer.headers['sec-websocket-version'], '13');
    assert.equal(backend.calls.all.filter(isEvent('open')).length, asked);
    await stillServes(scene, witness);
  });
}

test('a thousand small headers are refused', async (t) => {
  const many = Array.from({ length: 3_000 }, (_, index) => `X-${index}: 1\r\n`).join('');
  saysWhy(await exchange(t, gateway.publicUrl, upgradeRequest({ extra: many })));
  await stillServes(scene, witness);
});

const IDS: readonly (readonly [what: string, target: string])[] = [
  ['an encoded slash', '/a%2Fb'],
  ['an encoded NUL', '/%00'],
  ['an encoded line break', '/a%0d%0ab'],
  ['half an escape', '/%'],
  ['an escape that is no UTF-8', '/%ff%fe'],
  ['a dot', '/.'],
  ['two dots', '/..'],
  ['encoded dots', '/%2e%2e'],
  ['4,000 bytes', `/${'i'.repeat(4_000)}`],
  ['a name of JavaScript', '/__proto__'],
  ['another such name', '/constructor'],
  ['raw bytes over 127', '/\xff\xfe'],
  ['a semicolon', '/a;b'],
  ['nothing', '//'],
  ['an absolute URL', 'http://elsewhere/nobody'],
];

for (const [what, target] of IDS) {
  test(`a push to an id with ${what} is told so`, async (t) => {
    for (const method of ['PUT', 'DELETE', 'GET']) {
      const request = put(target, 'Connection: close\r\nContent-Length: 0\r\n').toString('latin1').replace('PUT', method);
      const answer = await exchange(t, gateway.controlUrl, Buffer.from(request, 'latin1'));
      assert.ok([400, 404, 405, 414, 426].includes(answer.status), `${method}: ${answer.status} ${answer.body}`);
      saysWhy(answer);
    }
    await stillServes(scene, witness);
  });
}

test('a body over the limit is 413: by its length before it is read, in chunks as soon as it is over', async (t) => {
  const byLength = await exchange(t, gateway.controlUrl, put(`/${witness.id}`, 'Content-Length: 9000000\r\n', 'x'));
  assert.equal(byLength.status, 413);
  saysWhy(byLength);
  const chunk = `1000\r\n${'x'.repeat(4_096)}\r\n`;
  const inChunks = await exchange(t, gateway.controlUrl, put(`/${witness.id}`, 'Transfer-Encoding: chunked\r\n', chunk.repeat(3)));
  assert.equal(inChunks.status, 413);
  saysWhy(inChunks);
  await stillServes(scene, witness);
  assert.ok(witness.frames.all.every(({ text }) => text.startsWith('still here')));
});

test('text that is no UTF-8 is 400 in every form', async (t) => {
  for (const body of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]]) {
    for (const type of ['', 'Content-Type: application/json\r\n', 'Content-Type: application/octet-stream2\r\n', 'Content-Type: ;;;\r\n']) {
      const head = `${type}Content-Length: ${body.length}\r\nConnection: close\r\n`;
      const answer = await exchange(t, gateway.controlUrl, put(`/${witness.id}`, head, Buffer.from(body)));
      assert.equal(answer.status, 400, `${type} ${body.join(' ')}`);
      saysWhy(answer);
    }
  }
  await stillServes(scene, witness);
});

suite('slow senders', { concurrency: true }, () => {
  const heads: Readonly<Record<string, readonly [start: string, drop: string]>> = {
    'one that sends nothing': ['', ''],
    'a head that trickles': ['GET /x HTTP/1.1\r\n', 'X: y\r\n'],
    'a body that trickles': [put(`/${witness.id}`, 'Content-Length: 4000\r\n').toString(), 'x'],
    'chunks that trickle': [put(`/${witness.id}`, 'Transfer-Encoding: chunked\r\n').toString(), '1\r\nx\r\n'],
    'a second head on a used connection': [`GET /livez HTTP/1.1\r\nHost: a\r\n\r\nGET /x`, 'y'],
  };
  for (const [what, [start, drop]] of Object.entries(heads)) {
    test(`${what} is dropped when HANDSHAKE_TIMEOUT_MS is over`, async (t) => {
      const raw = await openRaw(t, gateway.publicUrl);
      const startedAt = Date.now();
      raw.write(start);
      const trickle = setInterval(() => raw.write(drop), 50);
      t.after(() => clearInterval(trickle));
      const held = new Promise<string>((resolve) => setTimeout(() => resolve('held'), HANDSHAKE_TIMEOUT_MS * 2 + 2_500).unref());
      assert.equal(await Promise.race([raw.ended.then(() => 'dropped'), held]), 'dropped');
      const spanMs = Date.now() - startedAt;
      assert.ok(spanMs >= HANDSHAKE_TIMEOUT_MS * 0.9, `after ${spanMs} ms`);
      if (start !== '' && !what.includes('second')) {
        const answer = await raw.answer;
        assert.equal(answer.status, 408);
        saysWhy(answer);
      }
      await stillServes(scene, witness);
    });
  }
});

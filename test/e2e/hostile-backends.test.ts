import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { suite, test } from 'node:test';
import { startBackend, type Handler } from '../support/backend.ts';
import { refusal } from '../support/client.ts';
import { startGateway } from '../support/gateway.ts';
import { enter, freshPath, isEvent, isOpenOf, ok, stillServes, wholeFile } from '../support/guests.ts';

/** Calls of clients on this path are answered by the villain, all others by an honest backend. */
const villains = new Map<string, Handler>();
const paths = new Map<string, string>();
const backend = await startBackend(wholeFile, (call, response) => {
  const id = String(call.headers['ws-connection']);
  if (isEvent('open')(call)) paths.set(id, (JSON.parse(call.text) as { path: string }).path);
  const villain = villains.get(paths.get(id) ?? '');
  return villain === undefined ? ok() : villain(call, response);
});
const gateway = await startGateway(wholeFile, {
  API_URI: backend.url,
  OPEN_TIMEOUT_MS: '400',
  BACKEND_TIMEOUT_MS: '400',
  MAX_MESSAGE_BYTES: '10000',
  BACKEND_RETRY_FOR_MS: '15000', // longer than a busy machine needs for what a test does between two attempts
});
const scene = { gateway, backend };
const witness = await enter(wholeFile, scene);

const rssBytes = (): number => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))?.[1]) * 1024;

function pour(response: ServerResponse, chunk: Buffer): 'taken' {
  const more = (): void => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on('drain', more);
  response.on('error', () => {});
  more();
  return 'taken';
}

const raw =
  (text: string, isEnd = true): Handler =>
  (_call, response) => {
    const { socket } = response; // null where the gateway has ended it already, for what came before on it
    socket?.write(Buffer.from(text, 'latin1'));
    if (isEnd) socket?.end();
    return 'taken';
  };

const VILLAINS: Readonly<Record<string, readonly [handler: Handler, refusedWith: readonly number[]]>> = {
  HTML: [() => ({ body: '<!doctype html><h1>It works</h1>', headers: { 'content-type': 'text/html' } }), [502]],
  'half a JSON': [() => ({ body: '{"code":"OK"' }), [502]],
  'deep JSON': [() => ({ body: '['.repeat(60_000) }), [502]],
  '100 MB by length': [
    (_call, response) => (response.writeHead(200, { 'content-length': '100000000' }), pour(response, Buffer.alloc(65_536, 32))),
    [502],
  ],
  'a stream for ever': [(_call, response) => (response.writeHead(200), pour(response, Buffer.alloc(65_536, 32))), [502]],
  'one byte at a time for ever': [
    (_call, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write(' '), 20).unref(); // its end may have been before
      response.on('close', () => clearInterval(timer));
      return 'taken';
    },
    [504],
  ],
  'nothing at all': [() => null, [504]],
  'a reset': [(_call, response) => ((response.socket as Socket).resetAndDestroy(), 'taken'), [502]],
  'a reset in the middle of its answer': [
    (_call, response) => {
      response.writeHead(200, { 'content-length': '13' }).write('{"code":');
      setTimeout(() => response.socket?.resetAndDestroy(), 20);
      return 'taken';
    },
    [502],
  ],
  'an end in the middle of its answer': [raw('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"code":"OK"}'), [502]],
  'no HTTP': [raw('SSH-2.0-OpenSSH_9.2\r\n'), [502]],
  'status 0': [raw('HTTP/1.1 000 Zero\r\nContent-Length: 0\r\n\r\n'), [502]],
  'status 999': [raw('HTTP/1.1 999 High\r\nContent-Length: 0\r\n\r\n'), [502]],
  '101 out of the blue': [raw('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'), [502]],
  'a storm of 1xx that never ends': [
    (_call, response) => {
      const socket = response.socket as Socket;
      const timer = setInterval(() => socket.write('HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n'.repeat(50)), 10).unref();
      socket.on('close', () => clearInterval(timer));
      return 'taken';
    },
    [502, 504],
  ],
  'thousands of headers': [raw(`HTTP/1.1 200 OK\r\n${'X-Header: value\r\n'.repeat(8_000)}Content-Length: 13\r\n\r\n{"code":"OK"}`), [502]],
  'a length that is a lie and no number': [raw('HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\n{"code":"OK"}'), [502]],
  'a broken chunk': [raw('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{"code":"OK"}'), [502]],
  'two answers to one call': [raw('HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n'.repeat(2), false), [401]],
  'a body that is no UTF-8': [() => ({ body: Buffer.from([0x7b, 0xff, 0xfe, 0x7d]) }), [502]],
  'compressed rubbish': [() => ({ body: Buffer.from([31, 139, 8, 0]), headers: { 'content-encoding': 'gzip' } }), [502]],
};

/** These are answers that came whole, though they accept nobody. */
const WHOLE = new Set([
  'HTML',
  'half a JSON',
  'deep JSON',
  'status 999',
  'two answers to one call',
  'a body that is no UTF-8',
  'compressed rubbish',
]);

suite('a backend that answers the open call with', { concurrency: 4 }, () => {
  for (const [what, [handler, expected]] of Object.entries(VILLAINS)) {
    test(`${what} has its client refused`, async (t) => {
      const path = freshPath();
      villains.set(path, handler);
      const { status, body } = await refusal(t, gateway.wsUrl + path);
      assert.ok(expected.includes(status), `${status}: ${body}`);
      const { code, message } = JSON.parse(body) as Record<string, unknown>;
      assert.deepEqual([typeof code, typeof message], ['string', 'string']);
      await stillServes(scene, witness);
      const open = backend.calls.all.find(isOpenOf(path)) ?? assert.fail();
      const isItsClose = isEvent('close', String(open.headers['ws-connection']));
      if (!WHOLE.has(what)) await backend.calls.first(isItsClose); // it may have accepted
      const told = backend.calls.all.filter(isItsClose).map(({ headers }) => [headers['ws-event-id'], headers['ws-close-reason']]);
      const reasons = [...new Map(told as [string, string][]).values()]; // it may be told again, with one event id
      assert.deepEqual(reasons, WHOLE.has(what) ? [] : ['open%20unanswered']);
    });
  }
});

suite('a backend that answers a message with', { concurrency: 4 }, () => {
  for (const [what, [handler]] of Object.entries(VILLAINS)) {
    test(`${what} hears of it again, or has taken it; others are unharmed`, async (t) => {
      const path = freshPath();
      const guest = await enter(t, scene, { path });
      villains.set(path, (call, response) => (isEvent('message')(call) ? handler(call, response) : ok()));
      guest.ws.send('poor message');
      await backend.calls.first(isEvent('message', guest.id));
      await stillServes(scene, witness);
      villains.delete(path);
      guest.ws.send('second');
      guest.ws.close(1000);
      const { code } = await guest.ended;
      assert.ok([1000, 1011].includes(code), String(code));
      await backend.calls.first(isEvent('close', guest.id), 20_000);
      const texts = backend.calls.all.filter(isEvent('message', guest.id)).map((call) => call.text);
      assert.ok(texts.lastIndexOf('poor message') < texts.indexOf('second') || !texts.includes('second'), texts.join());
      if (code === 1000) assert.equal(texts.filter((text) => text === 'second').length >= 1, true);
    });
  }
});

test('memory stays bounded under thirty answers of 100 MB', async (t) => {
  const before = rssBytes();
  const paths_ = Array.from({ length: 30 }, freshPath);
  for (const path of paths_) villains.set(path, VILLAINS['100 MB by length']?.[0] ?? assert.fail());
  const statuses = await Promise.all(paths_.map(async (path) => (await refusal(t, gateway.wsUrl + path)).status));
  assert.deepEqual(new Set(statuses), new Set([502]));
  assert.ok(rssBytes() - before < 100e6, `${(rssBytes() - before) / 1e6} MB more`); // 30 answers of 75 KB are kept; 3 GB were offered
  await stillServes(scene, witness);
});

test('a backend that accepts connections and closes them at once is 502', async (t) => {
  const closer = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => closer.listen(0, '127.0.0.1', resolve));
  t.after(() => closer.close());
  const other = await startGateway(t, { API_URI: `127.0.0.1:${(closer.address() as AddressInfo).port}` });
  assert.equal((await refusal(t, `${other.wsUrl}/x`)).status, 502);
  assert.equal((await fetch(`${other.controlUrl}/livez`)).status, 200);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startBackend } from '../support/backend.ts';
import { startApp } from '../support/app.ts';
import { bodyOf, enter, isEvent, ok, wholeFile } from '../support/guests.ts';
import { refusal } from '../support/client.ts';
import { exchange, openRaw, upgradeRequest, type HttpAnswer } from '../support/raw-socket.ts';

/** Clients may bring a status of their own choice, with which the backend refuses them, and a header of its answer. */
const backend = await startBackend(wholeFile, (call) => {
  if (!isEvent('open')(call)) return {};
  const { status, name, value } = bodyOf(call)['query'] as Readonly<Record<string, string>>;
  if (status === undefined) return ok();
  return { status: Number(status), body: '{"code":"NOT_YOU"}', headers: name === undefined ? {} : { [name]: value ?? '' } };
});
const shared = await startApp(wholeFile, { API_URI: backend.url, HANDSHAKE_TIMEOUT_MS: '2000' });
const parted = await startApp(wholeFile, { API_URI: backend.url, CONTROL_PORT: '0' });
const closed = await startApp(wholeFile, { API_URI: backend.url, CONTROL_TOKEN: 'secret' });
const guest = await enter(wholeFile, { gateway: shared, backend });

const LISTENERS = {
  'the shared port': shared.publicUrl,
  'the port of clients': parted.publicUrl,
  'the port of the control API': parted.controlUrl,
} as const;

const CHALLENGES: Readonly<Record<number, string>> = {
  401: 'www-authenticate',
  405: 'allow',
  415: 'accept-encoding',
  426: 'upgrade',
  429: 'retry-after',
  503: 'retry-after',
};

/** The answer is JSON `{"code","message"}` and nothing else, and has the header that its status owes. */
function checkForm({ status, headers, body }: HttpAnswer): void {
  assert.match(headers['content-type'] ?? '', /^application\/json/, `${status} ${body}`);
  const told = JSON.parse(body) as Record<string, unknown>;
  assert.deepEqual(Object.keys(told), ['code', 'message'], body);
  assert.match(String(told['code']), /^[A-Z_]+$/);
  assert.doesNotMatch(String(told['code']), /FST_/);
  const owed = CHALLENGES[status];
  if (owed !== undefined) assert.ok(headers[owed], `${status} without ${owed}`);
}

const plain = (line: string, head = ''): string => `${line} HTTP/1.1\r\nHost: a\r\n${head}\r\n`;
const chunked = (body: string): string => plain('PUT /x', 'Transfer-Encoding: chunked\r\n') + body;
const long = (length: number): string => 'x'.repeat(length);

const MISTAKES: Readonly<Record<string, readonly [request: string, ...statuses: number[]]>> = {
  'half an escape in its URL': [plain('GET /%'), 400],
  'half an escape in a PUT’s URL': [plain('PUT /%zz', 'Content-Length: 1\r\n') + 'x', 400],
  'an escape that is no UTF-8': [plain('GET /%ff'), 400],
  'such an escape behind a segment': [plain('DELETE /a/%c3%28'), 400],
  'an upgrade with half an escape': [upgradeRequest({ path: '/%' }), 400],
  'an upgrade with an escape that is no UTF-8': [upgradeRequest({ path: '/a/%ff' }), 400],
  'an id of 2,000 characters': [plain(`GET /${long(2_000)}`), 414, 426],
  'an upgrade with a URL over 16 KiB': [upgradeRequest({ path: `/${long(20_000)}` }), 414],
  'a URL over 16 KiB': [plain(`GET /${long(20_000)}`), 414],
  'a query over 16 KiB': [plain(`GET /?${long(20_000)}`), 414],
  'a header over 16 KiB': [plain('GET /', `X: ${long(20_000)}\r\n`), 431],
  'many small headers': [plain('GET /', `X-Y: ${long(20)}\r\n`.repeat(1_000)), 431],
  'an Expect that nobody knows': [plain('PUT /x', 'Expect: the-spanish-inquisition\r\nContent-Length: 1\r\n'), 417],
  'an upgrade with such an Expect': [upgradeRequest({ extra: 'Expect: more\r\n' }), 417],
  'a method that nobody knows': [plain('FLY /x'), 501],
  'a method in lower case': [plain('get /x'), 501],
  'a method with a dash': [plain('X-RAY /x'), 501],
  CONNECT: [plain('CONNECT a:443'), 501],
  'CONNECT with a path': [plain('CONNECT /x'), 501],
  'a method of WebDAV': [plain('PROPFIND /x/y'), 404, 405, 426],
  'OPTIONS for everything': [plain('OPTIONS *'), 400, 404, 405, 426],
  TRACE: [plain('TRACE /x'), 405, 426],
  'a chunk size that is no number': [chunked('zz\r\n'), 400],
  'a chunk longer than it says': [chunked('1\r\nxyz\r\n0\r\n\r\n'), 400],
  'a chunk extension over 16 KiB': [chunked(`1;${long(20_000)}\r\nx\r\n0\r\n\r\n`), 413],
  'a length that is no number': [plain('PUT /x', 'Content-Length: ten\r\n'), 400],
  'a negative length': [plain('PUT /x', 'Content-Length: -1\r\n'), 400],
  'two lengths': [plain('PUT /x', 'Content-Length: 1\r\nContent-Length: 2\r\n') + 'xy', 400],
  'a length beside chunks': [plain('PUT /x', 'Content-Length: 1\r\nTransfer-Encoding: chunked\r\n') + '0\r\n\r\n', 400],
  'a length over every limit': [plain('PUT /x', 'Content-Length: 99999999999\r\n') + 'x', 413, 426],
  'another transfer coding': [plain('PUT /x', 'Transfer-Encoding: gzip, chunked\r\n') + '0\r\n\r\n', 400, 501],
  'no Host': ['GET / HTTP/1.1\r\n\r\n', 400],
  'a body that a GET has': [plain('GET /x', 'Content-Length: 1\r\n') + 'x', 400],
  'chunks that a GET has': [plain('GET /x', 'Transfer-Encoding: chunked\r\n') + '0\r\n\r\n', 400],
  'two types of its body': [
    plain('PUT /x', 'Content-Type: text/plain\r\nContent-Type: application/octet-stream\r\nContent-Length: 0\r\n'),
    400,
  ],
  'two tokens': [plain('GET /x', 'Authorization: Bearer a\r\nAuthorization: Bearer b\r\n'), 400],
  'two Idempotency-Keys': [plain('PUT /x', 'Idempotency-Key: a\r\nIdempotency-Key: b\r\nContent-Length: 0\r\n'), 400],
  'no HTTP at all': ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
  'a space in a header name': [plain('GET /', 'X Y: z\r\n'), 400],
  'HTTP/3.0': ['GET / HTTP/3.0\r\nHost: a\r\n\r\n', 400, 505],
};

for (const [listener, url] of Object.entries(LISTENERS)) {
  for (const [what, [request, ...statuses]] of Object.entries(MISTAKES)) {
    test(`${listener} tells a request with ${what} in our form: ${statuses.join(' or ')}`, async (t) => {
      const answer = await exchange(t, url, Buffer.from(request, 'latin1'));
      assert.ok(statuses.includes(answer.status), `${answer.status} ${answer.body}`);
      checkForm(answer);
    });
  }
}

test('HEAD of a mistake has the status and no body', async (t) => {
  for (const line of ['HEAD /%', `HEAD /${long(2_000)}`, `HEAD /${long(20_000)}`, 'HEAD /nobody', 'HEAD /a/b']) {
    const raw = await openRaw(t, shared.publicUrl);
    const chunks: Buffer[] = [];
    raw.socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    raw.write(plain(line, 'Connection: close\r\n'));
    await raw.ended;
    assert.match(Buffer.concat(chunks).toString(), /^HTTP\/1\.1 4\d\d [\s\S]*\r\n\r\n$/, line.slice(0, 20));
  }
});

test('HTTP/1.0 without Host is served, and its mistakes are told in our form', async (t) => {
  const served = await exchange(t, shared.publicUrl, 'GET /livez HTTP/1.0\r\n\r\n');
  assert.deepEqual([served.status, served.body], [200, '{"status":"ok"}']);
  const missing = await exchange(t, parted.controlUrl, 'GET /nobody HTTP/1.0\r\n\r\n');
  assert.equal(missing.status, 404);
  checkForm(missing);
});

test('Expect: 100-continue gets its 100, and the push its answer', async (t) => {
  const raw = await openRaw(t, shared.controlUrl);
  const chunks: Buffer[] = [];
  raw.socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  raw.write(plain(`PUT /${guest.id}`, 'Expect: 100-Continue\r\nConnection: close\r\nContent-Length: 8\r\n'), 'expected');
  await raw.ended;
  assert.match(Buffer.concat(chunks).toString(), /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
  await guest.frames.first(({ text }) => text === 'expected');
});

test('a mistake behind a push leaves the push its own answer', async (t) => {
  for (const mistake of [plain('FLY /x'), plain('CONNECT a:443'), plain('GET /%')]) {
    const raw = await openRaw(t, shared.controlUrl);
    const chunks: Buffer[] = [];
    raw.socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    raw.write(plain(`PUT /${guest.id}`, 'Content-Length: 5\r\n'), 'first', mistake);
    await raw.ended;
    assert.match(
      Buffer.concat(chunks).toString(),
      /^HTTP\/1\.1 200 OK\r\n[\s\S]*\{"code":"OK"\}HTTP\/1\.1 (400|501) [\s\S]*"message"/,
      mistake,
    );
  }
});

test('a whole request that does not come in time is 408', async (t) => {
  const answer = await exchange(t, shared.publicUrl, 'GET /livez HTTP/1.1\r\nHost:');
  assert.equal(answer.status, 408);
  checkForm(answer);
});

const METHODS = ['GET', 'PUT', 'POST', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND'];
const PATHS = ['/', '/nobody', '/send', '/settags', '/close', '/count', '/tree', '/status', '/livez', '/readyz', '/metrics', '/a/b'];

test('every path of the control API answers every method it has not with 405 and those that it has', async () => {
  for (const path of PATHS) {
    for (const method of METHODS) {
      const response = await fetch(parted.controlUrl + path, { method });
      const body = await response.text();
      if (response.ok || path === '/a/b') continue;
      if (response.status === 405) {
        assert.ok(response.headers.get('allow'), `${method} ${path}`);
        assert.doesNotMatch(response.headers.get('allow') ?? '', new RegExp(`\\b${method}\\b`));
      }
      checkForm({ status: response.status, headers: Object.fromEntries(response.headers), body });
    }
    if (path !== '/a/b') assert.equal((await fetch(parted.controlUrl + path, { method: 'PATCH' })).status, 405, path);
  }
});

test('the root has GET only, and on a shared port nothing for those who may not call', async () => {
  for (const method of METHODS.slice(1)) {
    const response = await fetch(`${parted.controlUrl}/`, { method });
    assert.deepEqual([method, response.status, response.headers.get('allow')], [method, 405, 'GET, HEAD']);
    const stranger = await fetch(`${closed.publicUrl}/`, { method });
    assert.deepEqual([method, stranger.status, stranger.headers.get('upgrade')], [method, 426, 'websocket']);
  }
});

test('401 has a challenge, on every command', async () => {
  for (const path of ['/nobody', '/send', '/status', '/metrics']) {
    const response = await fetch(closed.controlUrl + path, { method: path === '/send' ? 'POST' : 'GET' });
    assert.deepEqual([response.status, response.headers.get('www-authenticate')], [401, 'Bearer']);
  }
});

test('a backend that refuses a client says with which challenge, method, protocol or wait, or the gateway does', async (t) => {
  for (const [status, name, own, standard] of [
    [401, 'www-authenticate', 'Basic realm="chat"', 'Bearer'],
    [405, 'allow', 'GET, HEAD', 'GET'],
    [426, 'upgrade', 'h2c', 'websocket'],
    [429, 'retry-after', '7', '1'],
  ] as const) {
    const told = await refusal(t, `${shared.wsUrl}/own?status=${status}&name=${name}&value=${encodeURIComponent(own)}`);
    assert.deepEqual([told.status, told.headers[name]], [status, own]);
    const untold = await refusal(t, `${shared.wsUrl}/none?status=${status}`);
    assert.deepEqual([untold.status, untold.headers[name], untold.body.includes('"NOT_YOU"')], [status, standard, true]);
  }
});

const PAGES: readonly Record<string, string>[] = [
  { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' },
  { 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'none', accept: '*/*' },
  { 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'cross-site', accept: 'text/html' },
];

test('a browser that opens a client path on a shared port is told to upgrade, one that opens an id is told of it', async (t) => {
  for (const headers of PAGES) {
    for (const url of [`${shared.publicUrl}/chat`, `${shared.publicUrl}/chat/`, `${closed.publicUrl}/chat`, `${shared.publicUrl}/a/b`]) {
      const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      const answer = await exchange(t, url, plain(`GET ${new URL(url).pathname}`, head.join('')).replace('Host: a', 'Host: localhost'));
      assert.equal(answer.status, 426, answer.body);
      assert.deepEqual([answer.headers['upgrade'], answer.headers['connection']], ['websocket', 'Upgrade, close']);
      checkForm(answer);
    }
  }
  assert.equal((await fetch(`${shared.publicUrl}/${guest.id}`, { headers: { accept: 'text/html' } })).status, 200);
  assert.equal((await fetch(`${shared.publicUrl}/chat`)).status, 404, 'commands come first for who is no browser');
  const control = await fetch(`${parted.controlUrl}/chat`, { headers: { accept: 'text/html' } });
  assert.equal(control.status, 404, 'no client connects to the port of the control API');
});

test('a command has one spelling: a slash behind its path makes it another, and two before its id are 404', async (t) => {
  const visitor = await enter(t, { gateway: shared, backend });
  const command = (url: string, path: string, method: string) => exchange(t, url, plain(`${method} ${path}`, 'Content-Length: 0\r\n'));
  for (const method of ['PUT', 'DELETE', 'GET', 'POST']) {
    for (const url of [shared.controlUrl, parted.controlUrl, parted.publicUrl]) {
      for (const path of [`//${visitor.id}`, `//${visitor.id}/`, '//', '//send?all=true', '//livez']) {
        const answer = await command(url, path, method);
        assert.deepEqual([method, path, answer.status], [method, path, url === parted.publicUrl ? 426 : 404]);
        checkForm(answer);
      }
      const behind = await command(url, `/${visitor.id}/`, method);
      assert.equal(behind.status, url === parted.controlUrl ? 404 : 426);
      checkForm(behind);
    }
  }
  assert.equal((await visitor.push('still here')).status, 200);
});

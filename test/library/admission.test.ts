import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readAdmission } from '../../src/backends/handlers/admission.ts';
import type { Admission, Handshake } from '../../src/index.ts';
import { connect, refusal, tryConnect } from '../support/client.ts';
import { wholeFile } from '../support/guests.ts';
import { host, isCall, recorded } from '../support/hosted.ts';

let admission: unknown;
let seen: Handshake | undefined;
const own = recorded({
  onOpen(_client, request) {
    seen = request;
    return admission as Admission;
  },
});
const scene = await host(wholeFile, own.handlers, {
  routes: [{ path: '/rooms/:room', tags: { room: ':room', kind: 'chat' }, backend: own.handlers }],
});
const at = `${scene.wsUrl}/rooms/7`;

test('the request is as it came: path, parameters, query, all headers, subprotocols, address', async (t) => {
  admission = { subprotocol: 'v1' };
  const { ws } = await connect(t, `${at}?a=1&b=2&b=3`, { subprotocols: ['v1', 'v2'], headers: { 'X-Own': 'yes', Cookie: 'c=1' } });
  const { client } = await own.calls.first(isCall('onOpen'));
  assert.ok(seen !== undefined);
  const { headers, ...rest } = seen;
  assert.deepEqual(
    { ...rest, params: { ...rest.params }, query: { ...rest.query } },
    {
      id: client.id,
      path: '/rooms/7',
      params: { room: '7' },
      query: { a: '1', b: ['2', '3'] },
      subprotocols: ['v1', 'v2'],
      remoteAddress: '127.0.0.1',
    },
  );
  assert.deepEqual([headers['x-own'], headers['cookie'], headers['host']], ['yes', 'c=1', new URL(scene.wsUrl).host]);
  assert.deepEqual([client.path, client.params, client.query, client.protocol], [rest.path, rest.params, rest.query, 'v1']);
  ws.terminate();
});

test('a client is let in with a first message, tags over those of the route, a subprotocol, and headers of the 101', async (t) => {
  admission = {
    message: Buffer.from([1, 2]),
    tags: { user: 'ada', kind: '', none: undefined },
    subprotocol: 'v2',
    headers: { 'set-cookie': ['a=1', 'b=2'], 'X-Served': 'yes', 'X-None': undefined },
  };
  const guest = await connect(t, at, { subprotocols: ['v1', 'v2'] });
  const first = await guest.frames.first(() => true);
  assert.deepEqual([first.data, first.isBinary], [Buffer.from([1, 2]), true]);
  assert.deepEqual([guest.headers['set-cookie'], guest.headers['x-served'], guest.ws.protocol], [['a=1', 'b=2'], 'yes', 'v2']);
  const client = own.calls.all.at(-1)?.client;
  assert.deepEqual([client?.tags, client?.protocol, client?.isOpen], [{ room: '7', user: 'ada' }, 'v2', true]);
});

test('a refusal has its status, body and headers', async (t) => {
  admission = { refuse: 401, message: 'who are you?', headers: { 'WWW-Authenticate': 'Basic realm="x"', 'Set-Cookie': ['a=1', 'b=2'] } };
  const text = await refusal(t, at);
  assert.deepEqual(
    [text.status, text.body, text.headers['content-type'], text.headers['www-authenticate'], text.headers['set-cookie']],
    [401, 'who are you?', 'text/plain; charset=utf-8', 'Basic realm="x"', ['a=1', 'b=2']],
  );
  admission = { refuse: 302, headers: { location: '/elsewhere' } };
  const moved = await refusal(t, at);
  assert.deepEqual([moved.status, moved.headers['location'], JSON.parse(moved.body).code], [302, '/elsewhere', 'REFUSED']);
  admission = { refuse: 401 };
  assert.equal((await refusal(t, at)).headers['www-authenticate'], 'Bearer');
  admission = { refuse: 403, message: Buffer.from('{}'), headers: { 'content-type': 'application/json' } };
  const json = await refusal(t, at);
  assert.deepEqual([json.body, json.headers['content-type']], ['{}', 'application/json']);
});

/** What lets nobody in, and whether the handler may believe that it did. */
const MISTAKES: readonly (readonly [admission: unknown, because: RegExp, isTold: boolean])[] = [
  [false, /an object or nothing was wanted, false came/, false],
  [true, /true came/, false],
  ['no', /"no" came/, false],
  [[], /a list came/, false],
  [{ refused: 403 }, /"refused" is none of refuse, message/, false],
  [{ refuse: 200 }, /refuse must be an HTTP status from 300 to 599, 200 came/, false],
  [{ refuse: '403' }, /refuse must be .*"403" came/, false],
  [{ refuse: 403, headers: { 'Content-Length': '0' } }, /is set by the gateway/, false],
  [{ refuse: 403, headers: { 'x y': '0' } }, /no name of a header/, false],
  [{ subprotocol: 'v9' }, /one of those that the client offered/, true],
  [{ tags: { id: 'x' } }, /no tag may be called id/, true],
  [{ tags: { a: 1 } }, /the tag "a" must be a string, 1 came/, true],
  [{ tags: { a: 'x'.repeat(200) } }, /128 bytes/, true],
  [{ message: 5 }, /a message must be a string or bytes/, true],
  [{ message: 'x'.repeat(300_000) }, /at most 262144 bytes/, true],
  [{ headers: { 'Content-Type': 'text/plain' } }, /Set-Cookie and X-\*/, true],
  [{ headers: { 'X-A': 'a\r\nX-B: b' } }, /printable string/, true],
];

for (const [mistake, because, isTold] of MISTAKES) {
  test(`onOpen returns ${JSON.stringify(mistake).slice(0, 60)}: 502 with the reason, and ${isTold ? 'an' : 'no'} end`, () => {
    const verdict = readAdmission(mistake, { offered: ['v1'], maxMessageBytes: 262_144 });
    assert.ok(verdict.type === 'refused' && verdict.status === 502);
    assert.match(verdict.failure?.because ?? '', because);
    assert.equal(verdict.wasAccepted, isTold ? true : undefined);
  });
}

test('the log says what was wanted, the client does not hear it; where onOpen meant to let it in, onClose follows', async (t) => {
  const before = own.calls.all.length;
  admission = { tags: { id: 'secret' } };
  const refused = await tryConnect(t, at);
  assert.ok('status' in refused && refused.status === 502 && !refused.body.includes('id'));
  await scene.log.first((line) => /no tag may be called id/.test(String(line['because'])));
  await own.calls.atLeast(before + 2);
  assert.deepEqual(
    own.calls.all.slice(before).map(({ name }) => name),
    ['onOpen', 'onClose'],
  );
});

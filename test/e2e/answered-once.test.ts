import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { startBackend } from '../support/backend.ts';
import { startGateway } from '../support/gateway.ts';
import { enter, ok, wholeFile } from '../support/guests.ts';
import { readWholeAnswer, type WholeAnswer } from '../support/http-answers.ts';
import { RawLine } from '../support/raw-line.ts';

const backend = await startBackend(wholeFile, () => ok());
const limits = { HANDSHAKE_TIMEOUT_MS: '1000', MAX_MESSAGE_BYTES: '1000' };
const shared = await startGateway(wholeFile, { API_URI: backend.url, ...limits });
const parted = await startGateway(wholeFile, { API_URI: backend.url, CONTROL_PORT: '0', CONTROL_TOKEN: 'secret', ...limits });
const guest = await enter(wholeFile, { gateway: shared, backend });

const LISTENERS = {
  'the shared port': shared.publicUrl,
  'the port of clients': parted.publicUrl,
  'the port of the control API': parted.controlUrl,
};
const PATIENCE_MS = 8_000;
/** The end of what we send. */
const FIN = null;
type Part = string | typeof FIN;

const request = (line: string, ...fields: string[]): string =>
  `${line} HTTP/1.1\r\nHost: 127.0.0.1\r\n${fields.map((field) => `${field}\r\n`).join('')}`;
const push = (body: string): string => `${request(`PUT /${guest.id}`, `Content-Length: ${body.length}`)}\r\n${body}`;

/** Sends the parts one after the other, each when what came before it was answered, and reads until the other side ends. */
async function answersTo(t: TestContext, url: string, parts: readonly Part[]): Promise<WholeAnswer[]> {
  const line = new RawLine(Number(new URL(url).port));
  t.after(() => line.socket.destroy());
  for (const [index, part] of parts.entries()) {
    if (index > 0) await line.until(() => line.bytes.length > 0, PATIENCE_MS);
    if (part === FIN) line.finish();
    else line.write(Buffer.from(part, 'latin1'));
  }
  await line.ended(PATIENCE_MS, String(parts.at(-1)).slice(0, 200));
  const answers: WholeAnswer[] = [];
  while (line.bytes.length > 0) {
    const read = readWholeAnswer(line.bytes) ?? assert.fail(`half an answer: ${line.bytes.toString('latin1', 0, 300)}`);
    line.take(line.bytes.length - read.rest.length);
    answers.push(read.answer);
  }
  return answers;
}

/** Heads of requests that are refused, or served, whatever body they announce. */
const EARLY: Readonly<Record<string, string>> = {
  'a path that nobody serves': request('PUT /a/b'),
  'a method that a path does not have': request('PUT /livez'),
  'a method that has no body': request('TRACE /livez'),
  'an upgrade that is none': request('GET /chat', 'Upgrade: websocket'),
  'a GET with a body': request('GET /livez'),
  'a HEAD of the wrong host': request('OPTIONS /livez', 'Host: b'),
  'a page of a stranger': request(`PUT /${guest.id}`, 'Origin: https://evil.example'),
  'a body in gzip': request(`PUT /${guest.id}`, 'Content-Encoding: gzip'),
  'half an escape': request('PUT /%'),
  'an Expect that nobody knows': request(`PUT /${guest.id}`, 'Expect: miracles'),
  'a path that is too long': request(`PUT /${'x'.repeat(3_000)}`),
};

/** Bodies that break off or cannot be read. */
const BROKEN: Readonly<Record<string, readonly [head: string, ...rest: Part[]]>> = {
  'a chunk size that is no number': ['Transfer-Encoding: chunked\r\n\r\nzz\r\n'],
  'a chunk that is too long': ['Transfer-Encoding: chunked\r\n\r\n1\r\nxyz\r\n0\r\n\r\n'],
  'trailers that are none': ['Transfer-Encoding: chunked\r\n\r\n0\r\nX y\r\n\r\n'],
  'a chunk that breaks off': ['Transfer-Encoding: chunked\r\n\r\n5\r\nhe', FIN],
  'a body that breaks off': ['Content-Length: 9\r\n\r\nhello', FIN],
  'a body that never comes': ['Content-Length: 9\r\n\r\nhello'],
};

for (const [listener, url] of Object.entries(LISTENERS)) {
  suite(`on ${listener} one request gets one answer`, { concurrency: 8 }, () => {
    for (const [what, head] of Object.entries(EARLY)) {
      for (const [how, [first, ...rest]] of Object.entries(BROKEN)) {
        test(`${what}, with ${how}`, async (t) => {
          const answers = await answersTo(t, url, [head + first, ...rest]);
          assert.equal(answers.length, 1, answers.map(({ status, body }) => `${status} ${body.toString()}`).join(' and '));
          assert.ok((answers[0]?.status ?? 0) >= 400);
        });
      }
    }
  });
}

suite('what is broken behind other requests costs them nothing', { concurrency: 4 }, () => {
  for (const [how, [first, ...rest]] of Object.entries(BROKEN)) {
    test(`two pushes, and a request that was answered before ${how}`, async (t) => {
      const answers = await answersTo(t, shared.publicUrl, [push('one') + push('two') + request('PUT /a/b') + first, ...rest]);
      assert.deepEqual(
        answers.map(({ status }) => status),
        [200, 200, 426],
      );
    });

    test(`two pushes, and a third with ${how}, which is answered once`, async (t) => {
      const answers = await answersTo(t, shared.publicUrl, [push('one') + push('two') + request(`PUT /${guest.id}`) + first, ...rest]);
      const [one, two, three, ...more] = answers.map(({ status }) => status);
      assert.deepEqual([one, two, more], [200, 200, []]);
      assert.ok(three === 400 || three === 408, String(three));
    });
  }

  for (const [what, bytes, ...statuses] of [
    ['CONNECT', request('CONNECT a:443') + '\r\n', 501],
    ['CONNECT with what would go through its tunnel', request('CONNECT a:443', 'Content-Length: 5') + '\r\nhello', 501],
    ['CONNECT of HTTP/1.0', 'CONNECT a:443 HTTP/1.0\r\n\r\n', 501],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 505],
    ['PRI', request('PRI /x') + '\r\n', 400, 405, 501],
    ['the greeting of TLS', '\x16\x03\x01\x02\x00', 400],
    ['half a request', 'GET /livez HTTP/1.1\r\nHo', 408],
  ] as const) {
    test(`${what} is answered, and so are the three pushes before it`, async (t) => {
      const answers = await answersTo(t, shared.publicUrl, [push('a') + push('b') + push('c') + bytes]);
      const [one, two, three, last, ...more] = answers;
      assert.deepEqual([one?.status, two?.status, three?.status, more.length], [200, 200, 200, 0]);
      assert.ok((statuses as readonly number[]).includes(last?.status ?? 0), String(last?.status));
      assert.deepEqual(Object.keys(JSON.parse(String(last?.body)) as object), ['code', 'message']);
    });
  }
});

test('behind an answer that closes the connection no request is carried out', async (t) => {
  for (const [index, bad] of [
    `PUT /${guest.id} HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 0\r\n\r\n`,
    `${request('GET /livez', 'Content-Length: 1')}\r\nx`,
    `${request('PUT /%', 'Content-Length: 0')}\r\n`,
    `${request('GET /a/b')}\r\n`,
    `${request('GET /livez', 'Connection: close')}\r\n`,
  ].entries()) {
    const answers = await answersTo(t, shared.publicUrl, [push(`before ${index}`) + bad + push(`smuggled ${index}`)]);
    assert.equal(answers.length, 2, bad);
    assert.equal(answers[0]?.status, 200);
  }
  const late = await answersTo(t, shared.publicUrl, [`${request('PUT /a/b', 'Content-Length: 1')}\r\nx${push('smuggled')}`]);
  assert.deepEqual(
    late.map(({ status }) => status),
    [426],
  );
  assert.equal((await guest.push('the last')).status, 200);
  await guest.frames.first(({ text }) => text === 'the last');
  assert.deepEqual(
    guest.frames.all.map(({ text }) => text).filter((text) => text.startsWith('smuggled')),
    [],
  );
});

test('a push behind a body that is too long is carried out, and answered', async (t) => {
  for (const [head, word] of [
    ['Transfer-Encoding: chunked\r\n\r\n4b0', 'behind chunks'],
    ['Content-Length: 1200\r\n', 'behind a length'],
  ] as const) {
    const body = head.startsWith('T') ? `\r\n${'x'.repeat(1_200)}\r\n0\r\n\r\n` : `\r\n${'x'.repeat(1_200)}`;
    const answers = await answersTo(t, shared.publicUrl, [
      `${request(`PUT /${guest.id}`)}${head}${body}${push(word)}${request('GET /livez', 'Connection: close')}\r\n`,
    ]);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [413, 200, 200],
    );
    await guest.frames.first(({ text }) => text === word);
  }
});

test('HEAD is answered whole before garbage, whose own answer has a body', async (t) => {
  const line = new RawLine(Number(new URL(shared.publicUrl).port));
  t.after(() => line.socket.destroy());
  line.write(Buffer.from(`${request('HEAD /livez')}\r\n\x16\x03\x01\x02\x00`, 'latin1'));
  await line.ended(PATIENCE_MS, 'garbage');
  const head = readWholeAnswer(line.bytes, { isToHead: true });
  assert.equal(head?.answer.status, 200);
  const garbage = readWholeAnswer(head.rest);
  assert.equal(garbage?.answer.status, 400, head.rest.toString());
  assert.equal(garbage.rest.length, 0);
});

test('a HEAD that cannot be read has no body, also behind another request', async (t) => {
  for (const broken of [
    'HEAD /livez HTTP/1.1\r\nHost: a\r\nX Y: z\r\n\r\n',
    `HEAD /${'x'.repeat(20_000)} HTTP/1.1\r\n\r\n`,
    'HEAD /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
    `${request('GET /livez')}\r\nHEAD /livez HTTP/1.1\r\nHost: a\r\nX Y: z\r\n\r\n`,
  ]) {
    const line = new RawLine(Number(new URL(shared.publicUrl).port));
    t.after(() => line.socket.destroy());
    line.write(Buffer.from(broken));
    await line.ended(PATIENCE_MS, 'a broken HEAD');
    assert.match(line.bytes.toString(), /HTTP\/1\.1 4\d\d [^{]*\r\n\r\n$/, broken.slice(0, 60));
  }
});

import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import { HANDSHAKE_TIMEOUT_MS } from '../support/arena.ts';
import { assertTellsWhy, readWholeAnswer, type WholeAnswer } from '../support/http-answers.ts';
import type { RawLine } from '../support/raw-line.ts';
import type { HttpReading, ReadRequest } from './http-reading.ts';
import { readHttp } from './http-rules.ts';

/** What came of the inputs; it must be the same as what the pushed-to client has got. */
export type Pushes = {
  /** Bodies of sound pushes that were answered 200. */
  readonly sound: string[];
  /** Answers 200 to whatever was taken for a push. */
  answered: number;
};

export type Tally = Record<'sound' | 'unfit' | HttpReading['type'], number>;

/** Fields that may change what a sound request is answered. */
const CHANGES_NOTHING = new Set(['host', 'content-length', 'transfer-encoding', 'connection', 'te', 'trailer', 'x', 'cookie', 'accept']);
const SAFE_HOST = /^127\.0\.0\.1$/;
/** After this a refused socket must be closed. */
const LIMIT_MS = HANDSHAKE_TIMEOUT_MS * 2;
const PUSHED = '{"code":"OK"}';

type Judged = { readonly pushes: Pushes; readonly tally: Tally; readonly target: string };

/** Sends one input and judges every answer. Resolves to whether the connection may be used further. */
export async function attack(line: RawLine, bytes: Buffer, { waits, ...judged }: Judged & { readonly waits: boolean }): Promise<boolean> {
  assert.equal(line.bytes.length, 0, 'there were more answers than requests');
  line.write(bytes);
  let rest = bytes;
  for (;;) {
    if (rest.every((byte) => byte === 13 || byte === 10)) return true; // empty lines are ignored before the next request
    const reading = readHttp(rest);
    judged.tally[reading.type] += 1;
    if (reading.type !== 'request') {
      await ending(line, reading, { ...judged, waits, rest });
      return false;
    }
    const { request, unfit } = reading;
    judged.tally[unfit === null ? 'sound' : 'unfit'] += 1;
    const answer = await nextAnswer(line, request.method === 'HEAD');
    assert.notEqual(answer, null, `a ${unfit ?? 'sound'} request was not answered`);
    judgeAnswer(request, unfit, { answer: answer as WholeAnswer, ...judged });
    if (request.isLast || saysClose(answer as WholeAnswer)) {
      await line.ended(LIMIT_MS, 'an answer that says so');
      assert.equal(line.bytes.length, 0, 'something follows the last answer');
      return false;
    }
    rest = reading.rest;
  }
}

function judgeAnswer(
  request: ReadRequest,
  unfit: string | null,
  { answer, pushes, target }: Omit<Judged, 'tally'> & { readonly answer: WholeAnswer },
): void {
  const { status } = answer;
  if (request.method !== 'HEAD') assertTellsWhy(answer);
  count(answer, pushes);
  if (unfit !== null) return assert.ok(status >= 400, `${unfit} was answered ${status}`);
  const { headers, method, body } = request;
  if (
    [...headers.keys()].some((name) => !CHANGES_NOTHING.has(name) && !name.startsWith('x-')) ||
    !SAFE_HOST.test(headers.get('host')?.[0] ?? '')
  )
    return;
  if (headers.has('x-forwarded-for') || headers.has('x-http-method-override')) return;
  const isBare = !headers.has('transfer-encoding') && (headers.get('content-length')?.[0] ?? '0') === '0';
  if (method === 'GET' && request.target === '/livez')
    assert.equal(status, isBare ? 200 : 400, `a sound GET /livez was answered ${status} ${answer.body.toString()}`);
  if (method !== 'PUT' || request.target !== target) return;
  assert.equal(status, isUtf8(body) ? 200 : 400, `a sound push was answered ${status} ${answer.body.toString()}`);
  if (status === 200) pushes.sound.push(body.toString());
}

type Ending = Judged & { readonly waits: boolean; readonly rest: Buffer };

async function ending(line: RawLine, reading: Exclude<HttpReading, { type: 'request' }>, { pushes, waits, rest }: Ending): Promise<void> {
  const isToHead = /^[\r\n]*HEAD/.test(rest.toString('latin1', 0, 20));
  const mayBeAnswered = reading.type !== 'free' && reading.mayBeAnswered === true;
  if (reading.type === 'broken') {
    const answer = await nextAnswer(line, isToHead);
    if (answer === null) assert.fail('what is broken was not answered');
    if (!isToHead) assertTellsWhy(answer);
    else line.take(line.bytes.length); // who cannot read it does not know that it is a HEAD
    assert.ok(answer.status >= 400 || mayBeAnswered, `what is broken was answered ${answer.status}: ${reading.why}`);
    await line.ended(LIMIT_MS, `what is broken (${reading.why})`);
    return assert.equal(line.bytes.length, 0, `what is broken was answered twice: ${reading.why}`);
  }
  if (!waits || reading.type === 'free') line.finish();
  await line.ended(LIMIT_MS, waits ? 'half a request' : 'our end');
  if (isToHead || (reading.type === 'free' && rest.includes('HEAD'))) return;
  for (let finals = 0; line.bytes.length > 0;) {
    const { answer, rest } = readWholeAnswer(line.bytes) ?? assert.fail('half an answer');
    line.take(line.bytes.length - rest.length);
    assertTellsWhy(answer);
    count(answer, pushes);
    if (answer.status >= 200) finals += 1;
    if (reading.type === 'free') continue;
    assert.ok(finals <= 1, 'half a request was answered twice');
    assert.ok(answer.status >= 400 || answer.status === 100 || mayBeAnswered, `half a request was answered ${answer.status}`);
  }
}

/** The next final answer (RFC 9110 §15.2), or null where the connection ended without one. */
async function nextAnswer(line: RawLine, isToHead: boolean): Promise<WholeAnswer | null> {
  for (;;) {
    let read = readWholeAnswer(line.bytes, { isToHead });
    if (read === null) {
      await line.until(() => (read = readWholeAnswer(line.bytes, { isToHead })) !== null, LIMIT_MS);
      read ??= readWholeAnswer(line.bytes, { isToHead });
    }
    if (read === null) {
      assert.equal(line.bytes.length, 0, `half an answer: ${line.bytes.toString('latin1', 0, 200)}`);
      return null;
    }
    line.take(line.bytes.length - read.rest.length);
    if (read.answer.status >= 200) return read.answer;
  }
}

function count(answer: WholeAnswer, pushes: Pushes): void {
  if (answer.status === 200 && answer.body.toString() === PUSHED) pushes.answered += 1;
}

function saysClose({ headers }: WholeAnswer): boolean {
  return /\bclose\b/i.test(headers.get('connection') ?? '');
}

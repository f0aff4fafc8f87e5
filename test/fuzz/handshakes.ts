import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { TestContext } from 'node:test';
import { CLOSE_TIMEOUT_MS, HANDSHAKE_TIMEOUT_MS, type Arena } from '../support/arena.ts';
import { assertTellsWhy, readWholeAnswer, type WholeAnswer } from '../support/http-answers.ts';
import { failedInput, FUZZ_SEED, inLanes } from '../support/lanes.ts';
import { seeded } from '../support/random.ts';
import { lineMaker, type RawLine } from '../support/raw-line.ts';
import { closeFrame, frame, TEXT } from '../support/raw-socket.ts';
import { readServerFrame } from '../support/server-frames.ts';
import { readHandshake, type Handshake, type HandshakeReading } from './handshake-rules.ts';
import { hostileHandshake, writeHandshake } from './hostile-handshakes.ts';
import { inputsOf } from './inputs.ts';

export const HANDSHAKES = inputsOf(6_000);
const LANES = 64;
const LIMIT_MS = HANDSHAKE_TIMEOUT_MS * 2 + CLOSE_TIMEOUT_MS;
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'; // RFC 6455 §1.3
/** Connections that keep their half open after the gateway's end. */
const LINGERS_ONE_IN = 40;

type Tally = Record<'accept' | 'refuse' | 'free' | 'letIn', number>;

/** Does the 101 fit the request? RFC 6455 §4.2.2, and the client's side of it, §4.1. */
function judgeAcceptance({ headers }: WholeAnswer, { fields }: Handshake, key: string): void {
  assert.equal(headers.get('upgrade')?.toLowerCase(), 'websocket');
  assert.equal(headers.get('connection')?.toLowerCase(), 'upgrade');
  assert.equal(
    headers.get('sec-websocket-accept'),
    createHash('sha1')
      .update(key + GUID)
      .digest('base64'),
  );
  assert.equal(headers.has('sec-websocket-extensions'), false, 'an extension that is switched off');
  const chosen = headers.get('sec-websocket-protocol');
  if (chosen === undefined) return;
  const offers = fields.filter(([name]) => name.toLowerCase() === 'sec-websocket-protocol').flatMap(([, value]) => value.split(','));
  assert.ok(
    offers.some((offer) => offer.trim() === chosen),
    `the subprotocol ${chosen} was not offered`,
  );
}

/** An accepted client says a word, right behind its handshake in some cases, hears it, and leaves. */
async function talk(line: RawLine, word: string, isSaid: boolean): Promise<void> {
  if (!isSaid) line.write(frame(TEXT, word));
  line.write(closeFrame(1_000));
  const heard: string[] = [];
  await line.ended(LIMIT_MS, 'a closing handshake');
  for (let read = readServerFrame(line.bytes); read !== null; read = readServerFrame(line.bytes)) {
    line.take(line.bytes.length - read.rest.length);
    heard.push(`${read.frame.opcode} ${read.frame.opcode === TEXT ? read.frame.payload.toString() : read.frame.code}`);
  }
  assert.equal(heard.at(-1), '8 1000', 'the closing handshake is answered');
  assert.ok(heard.length === 1 || (heard.length === 2 && heard[0] === `1 ${word}`), heard.join(', '));
}

type Target = { readonly line: RawLine; readonly tally: Tally; readonly number: number };

async function attack(handshake: Handshake, { line, tally, number }: Target): Promise<void> {
  const reading = readHandshake(handshake);
  const { judgement, why } = reading;
  tally[judgement] += 1;
  const word = `word ${number}`;
  const isSaid = judgement === 'accept' && number % 2 === 0;
  try {
    const bytes = writeHandshake(handshake);
    line.write(isSaid ? Buffer.concat([bytes, frame(TEXT, word)]) : bytes);
    const answer = await finalAnswer(line, handshake.method === 'HEAD');
    if (answer === null) assert.fail(`${why}: the connection ended without an answer: ${line.bytes.toString('latin1')}`);
    const isIn = answer.status === 101;
    if (isIn) tally.letIn += 1;
    if (judgement !== 'free') assert.equal(isIn, judgement === 'accept', `${why} was answered ${answer.status} ${answer.body.toString()}`);
    if (isIn) {
      judgeAcceptance(answer, handshake, reading.key);
      await talk(line, word, isSaid);
    } else {
      await judgeRefusal(line, answer, { reading, isToHead: handshake.method === 'HEAD' });
    }
  } finally {
    if (!line.lingers || !line.isEnded) line.socket.destroy();
  }
}

/** 101 is final, other 1xx are not (RFC 9110 §15.2). */
async function finalAnswer(line: RawLine, isToHead: boolean): Promise<WholeAnswer | null> {
  for (;;) {
    await line.until(() => readWholeAnswer(line.bytes, { isToHead }) !== null, LIMIT_MS);
    const read = readWholeAnswer(line.bytes, { isToHead });
    if (read === null) return null;
    line.take(line.bytes.length - read.rest.length);
    if (read.answer.status !== 100) return read.answer;
  }
}

type Refused = { readonly reading: HandshakeReading; readonly isToHead: boolean };

async function judgeRefusal(line: RawLine, answer: WholeAnswer, { reading, isToHead }: Refused): Promise<void> {
  const { status, headers } = answer;
  if (!isToHead) assertTellsWhy(answer);
  const isAboutVersion = status === 426 && reading.isClear && reading.why.startsWith('the version ');
  if (isAboutVersion) assert.equal(headers.get('sec-websocket-version'), '13', 'the version that would do is named (§4.4)');
  if (status === 405) assert.ok(headers.has('allow'), '405 needs Allow (RFC 9110 §15.5.6)');
  if (status === 426) assert.ok(headers.has('upgrade') || headers.has('sec-websocket-version'), '426 needs Upgrade (RFC 9110 §15.5.22)');
  if (!/\bclose\b/i.test(headers.get('connection') ?? '') && !reading.isClear) line.finish(); // it was a plain request, and served as one
  await line.ended(LIMIT_MS, `a refusal with ${status} (${reading.why})`);
  if (!isToHead) assert.equal(line.bytes.length, 0, `something follows the answer ${status}`); // what could not be read was not known to be a HEAD
}

/** 101 is answered to those that RFC 6455 allows, an error that says why to the others, and the backend is asked about none of them. */
export async function fuzzHandshakes(t: TestContext, arena: Arena): Promise<void> {
  const judge = await arena.begin(t);
  const before = (await arena.told()).counts.open;
  const openLine = lineMaker(t, Number(new URL(arena.gateway.publicUrl).port));
  const tally: Tally = { accept: 0, refuse: 0, free: 0, letIn: 0 };
  await inLanes({ count: HANDSHAKES, lanes: LANES }, async (numbers) => {
    for (let number = numbers.take(); number !== null; number = numbers.take()) {
      const handshake = hostileHandshake(seeded(FUZZ_SEED + number));
      try {
        await attack(handshake, { line: openLine(number % LINGERS_ONE_IN === 0), tally, number });
      } catch (cause) {
        throw failedInput(number, writeHandshake(handshake), { cause });
      }
    }
  });
  t.diagnostic(JSON.stringify(tally));
  for (const [kind, times] of Object.entries(tally)) assert.ok(times > HANDSHAKES / 25, `the generator made only ${times} of ${kind}`);
  const { counts, strangePaths } = await arena.told();
  assert.equal(counts.open - before, tally.letIn, 'the backend was asked about those that were let in');
  assert.deepEqual(strangePaths.slice(0, 5), [], 'the backend was told paths that are none');
  await judge();
}

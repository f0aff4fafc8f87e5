import assert from 'node:assert/strict';
import { connect as connectTcp } from 'node:net';
import { test } from 'node:test';
import { startBackend } from '../support/backend.ts';
import { startGateway } from '../support/gateway.ts';
import { enter, isEvent, stillServes, wholeFile } from '../support/guests.ts';
import { seeded, type Random } from '../support/random.ts';
import { frame, TEXT, upgradeRequest } from '../support/raw-socket.ts';

/** Another seed tries other bytes; a failure prints the one that failed. */
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_121);
const STRINGS_EACH = 5_000;
const AT_ONCE = 40;

const backend = await startBackend(wholeFile);
const gateway = await startGateway(wholeFile, { API_URI: backend.url, MAX_MESSAGE_BYTES: '4096', CLOSE_TIMEOUT_MS: '500' });
const scene = { gateway, backend };
const { port } = new URL(gateway.publicUrl);

/** All that the gateway answers to these bytes and the end of the stream, which comes at once or after the first answer. */
function answerTo(bytes: readonly Buffer[], endsAtOnce: boolean): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host: '127.0.0.1', port: Number(port), allowHalfOpen: true });
    const chunks: Buffer[] = [];
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error('the gateway holds the connection'));
    }, 8_000);
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', () => {}); // a reset is an answer, too
    socket.on('end', () => socket.destroy());
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(Buffer.concat(chunks));
    });
    for (const part of bytes) socket.write(part);
    if (endsAtOnce) socket.end();
    else socket.once('data', () => socket.end());
  });
}

/** A valid upgrade request with some of its bytes changed, left out or doubled; or noise. */
function hostileHead(random: Random): Buffer {
  if (random.below(4) === 0) return random.bytes(1 + random.below(300));
  const bytes = [...Buffer.from(upgradeRequest({ path: '/x' }))];
  for (let count = 1 + random.below(6); count > 0; count -= 1) {
    const at = random.below(bytes.length);
    const kind = random.below(4);
    if (kind === 0) bytes[at] = random.below(256);
    else if (kind === 1) bytes.splice(at, random.below(20));
    else if (kind === 2) bytes.splice(at, 0, ...random.bytes(random.below(8)));
    else
      bytes.splice(
        at,
        0,
        ...random
          .pick(['\r\n', '\0', ':', ' HTTP/1.1\r\n', 'Host: b\r\n', '\r\n\r\n', 'Content-Length: 5\r\n'])
          .split('')
          .map((char) => char.charCodeAt(0)),
      );
  }
  return Buffer.from(bytes);
}

function hostileFrames(random: Random): Buffer {
  if (random.below(3) === 0) return random.bytes(1 + random.below(200));
  const good = frame(random.pick([0, 1, 2, 8, 9, 10]), random.bytes(random.below(130)), { fin: random.below(4) > 0 });
  for (let count = random.below(3); count > 0; count -= 1) good[random.below(Math.min(8, good.length))] = random.below(256);
  return Buffer.concat([good, random.bytes(random.below(40))]);
}

/** Breaks the first frame a rule of RFC 6455 §5.2 that shows in its first two bytes? Then its sender must be told. */
function isPlainlyWrong(bytes: Buffer): boolean {
  const [first = 0, second = 0] = bytes;
  const opcode = first & 15;
  if (bytes.length < 2) return false;
  const isControl = opcode >= 8;
  return (
    (first & 0x70) !== 0 ||
    (opcode > 2 && opcode < 8) ||
    opcode > 10 ||
    opcode === 0 ||
    (second & 128) === 0 ||
    (isControl && ((first & 128) === 0 || (second & 127) > 125))
  );
}

async function inParallel(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) await work(index);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

function isHttpAnswer(answer: Buffer): void {
  const text = answer.toString('latin1');
  assert.match(text, /^HTTP\/1\.1 (101|200|[45]\d\d) /);
  if (text.startsWith('HTTP/1.1 101')) return;
  const body = text.slice(text.indexOf('\r\n\r\n') + 4);
  const last = body.slice(body.lastIndexOf('\n') + 1);
  const { code, message } = JSON.parse(last) as Record<string, unknown>;
  if (!text.startsWith('HTTP/1.1 200')) assert.deepEqual([typeof code, typeof message], ['string', 'string'], text);
}

test(`${STRINGS_EACH} hostile strings where a request was wanted are answered in HTTP, or cut off`, async (t) => {
  const witness = await enter(t, scene);
  let answered = 0;
  await inParallel(STRINGS_EACH, async (index) => {
    const bytes = hostileHead(seeded(SEED + index));
    try {
      const answer = await answerTo([bytes], true);
      if (answer.length > 0) {
        isHttpAnswer(answer);
        answered += 1;
      }
    } catch (cause) {
      throw new Error(`FUZZ_SEED=${SEED}, string ${index}: ${JSON.stringify(bytes.toString('latin1'))}`, { cause });
    }
  });
  assert.ok(answered > STRINGS_EACH * 0.95, `only ${answered} were told what was wrong`);
  await stillServes(scene, witness);
});

test(`${STRINGS_EACH} hostile strings after the upgrade end their own connection at most, and each end is told once`, async (t) => {
  const witness = await enter(t, scene);
  let wrong = 0;
  await inParallel(STRINGS_EACH, async (index) => {
    const random = seeded(SEED + STRINGS_EACH + index);
    const bytes = hostileFrames(random);
    const prefix = random.below(2) === 0 ? [] : [frame(TEXT, 'honest')];
    try {
      const answer = await answerTo([Buffer.from(upgradeRequest({ path: '/fuzz' })), ...prefix, bytes], false);
      assert.match(answer.toString('latin1'), /^HTTP\/1\.1 101 /);
      if (!isPlainlyWrong(bytes)) return;
      wrong += 1;
      const said = answer.subarray(answer.indexOf('\r\n\r\n') + 4);
      assert.equal(said[0], 0x88, 'a close frame was wanted');
      assert.ok([1002, 1009].includes(said.readUInt16BE(2)), `code ${said.readUInt16BE(2)}`);
    } catch (cause) {
      throw new Error(`FUZZ_SEED=${SEED}, string ${index}: ${bytes.toString('hex')}`, { cause });
    }
  });
  assert.ok(wrong > STRINGS_EACH / 4);
  await stillServes(scene, witness);
  const opens = backend.calls.all.filter((call) => isEvent('open')(call) && call.text.includes('"path":"/fuzz"'));
  assert.equal(opens.length, STRINGS_EACH);
  const ours = new Set(opens.map(({ headers }) => headers['ws-connection']));
  const isOurClose = (call: (typeof opens)[number]): boolean => isEvent('close')(call) && ours.has(call.headers['ws-connection']);
  const closes = await backend.calls.atLeast(STRINGS_EACH, isOurClose);
  assert.equal(new Set(closes.map(({ headers }) => headers['ws-connection'])).size, STRINGS_EACH);
  assert.equal(backend.calls.all.filter(isOurClose).length, STRINGS_EACH);
});

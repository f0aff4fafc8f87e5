import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { seeded, type Random } from '../../support/random.ts';
import { SUBPROTOCOLS, type Subprotocol } from '../../../src/dialects/ocpp/index.ts';
import { station } from './fake-host.ts';

const FRAMES = 100_000;
const FRAMES_PER_STATION = 500;
const SEED = 20_261_121;

/** A second reading of the rules, on purpose without a line of the codec: the start of what the client gets, or null. */
function expected(subprotocol: Subprotocol, text: string): unknown[] | null {
  if (text.trim() === '') return null;
  const unreadable = subprotocol === 'ocpp1.6' ? null : [4, '-1', 'RpcFrameworkError'];
  let frame: unknown;
  try {
    frame = JSON.parse(text);
  } catch {
    return unreadable;
  }
  if (depthOf(frame) > 64 || !Array.isArray(frame)) return unreadable;
  const [type, id, action, payload] = frame as unknown[];
  if (typeof type !== 'number') return unreadable;
  if (type !== 2) return null; // answers, SENDs and unknown numbers get none
  if (typeof id !== 'string' || id === '') return unreadable;
  const isSound = frame.length === 4 && id.length <= 36 && isName(id) && isName(action) && String(action).length <= 255;
  if (!isSound) return [4, id, subprotocol === 'ocpp1.6' ? 'FormationViolation' : 'RpcFrameworkError'];
  if (typeof payload !== 'object' || Array.isArray(payload)) {
    return [4, id, subprotocol === 'ocpp1.6' ? 'FormationViolation' : 'FormatViolation'];
  }
  return [3, id, { ok: true }];
}

function isName(name: unknown): boolean {
  return typeof name === 'string' && /^(?!\.\.?$)[^]+$/.test(name) && name.isWellFormed();
}

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

const PARTS = [
  '2',
  '3',
  '4',
  '5',
  '6',
  '7',
  '-1',
  '2.5',
  '1e999',
  '"2"',
  'null',
  'true',
  '{}',
  '[]',
  '""',
  '"."',
  '".."',
  '"a/b?c#d"',
  '"%2e%2e"',
  '"\\ud83d"',
  '"\\u0000"',
  '"x"',
  '"Heartbeat"',
  '"123456789012345678901234567890123456"',
  '"1234567890123456789012345678901234567"',
  '{"a":[{"b":"]"}]}',
  '{"__proto__":{"x":1}}',
  '{"a":1,"a":2}',
  '1',
  '"-1"',
  'undefined',
  '{',
  '[',
  '"',
  '\\',
  ',',
  '[[[[]]]]',
  '['.repeat(63) + ']'.repeat(63),
  '['.repeat(64) + ']'.repeat(64),
  '['.repeat(5_000),
  'x'.repeat(300),
  '"' + 'A'.repeat(256) + '"',
];
const GOOD = [
  '[2,"id","Heartbeat",{}]',
  '[3,"id",{}]',
  '[4,"id","GenericError","",{}]',
  '[5,"id","FormatViolation","",{}]',
  '[6,"id","Send",{}]',
];

/** Half of them put together from parts, half good frames with bytes changed, lost, doubled or cut off. */
function malformed({ below, pick }: Random): Buffer {
  if (below(2) === 0) {
    const elements = Array.from({ length: below(7) }, () => pick(PARTS));
    if (below(3) > 0) elements.unshift('2');
    return Buffer.from(`${below(20) === 0 ? '' : '['}${elements.join(',')}${below(20) === 0 ? '' : ']'}`);
  }
  const frame = Buffer.from(pick(GOOD));
  const at = below(frame.length);
  switch (below(4)) {
    case 0:
      frame[at] = below(256);
      return frame;
    case 1:
      return Buffer.concat([frame.subarray(0, at), frame.subarray(at + 1)]);
    case 2:
      return Buffer.concat([frame.subarray(0, at), frame]);
    default:
      return frame.subarray(0, at);
  }
}

suite('100,000 malformed frames', () => {
  for (const subprotocol of SUBPROTOCOLS) {
    test(`get what ${subprotocol} says, and harm nobody`, () => {
      const random = seeded(SEED + SUBPROTOCOLS.indexOf(subprotocol));
      const told = { nothing: 0, result: 0, error: 0 };
      const count = Math.ceil(FRAMES / SUBPROTOCOLS.length);
      let current = station(subprotocol);
      for (let index = 0; index < count; index += 1) {
        if (index % FRAMES_PER_STATION === 0) current = station(subprotocol);
        const { host, sends, answered } = current;
        const frame = malformed(random);
        const isUtf8 = Buffer.compare(Buffer.from(frame.toString()), frame) === 0;
        const before = host.calls.length;
        sends(frame);
        if (host.calls.length > before) answered(before, 200, '{"ok":true}');
        const wanted = expected(subprotocol, isUtf8 ? frame.toString() : '?');
        const got = host.take() as unknown[][];
        const isRight =
          JSON.stringify(got.map((answer) => answer.slice(0, 3))) === JSON.stringify(wanted === null ? [] : [wanted]) &&
          got.every(
            ([type, , , description, details]) => type === 3 || (String(description).length <= 255 && JSON.stringify(details) === '{}'),
          ) &&
          host.calls.slice(before).every(({ call }) => new URL(call.path, 'http://csms').pathname === call.path);
        if (!isRight) assert.fail(`frame ${index} (seed ${SEED}) ${frame.toString().slice(0, 200)}: ${JSON.stringify({ wanted, got })}`);
        told[wanted === null ? 'nothing' : wanted[0] === 3 ? 'result' : 'error'] += 1;
      }
      for (const [kind, times] of Object.entries(told)) assert.ok(times > count / 100, `the generator made only ${times} with ${kind}`);
    });
  }
});

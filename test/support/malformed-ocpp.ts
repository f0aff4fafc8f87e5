import type { Random } from './random.ts';

/** Parts that a frame may be put together from: right ones, odd ones, wrong ones. */
const NUMBERS = ['2', '3', '4', '5', '6', '7', '-1', '2.5', '1e999', '1', 'null', 'true', 'undefined'];
const STRINGS = ['"2"', '"-1"', '""', '"."', '".."', '"a/b?c#d"', '"%2e%2e"', '"\\ud83d"', '"\\u0000"', '"x"', '"Heartbeat"'];
const LENGTHS = [`"${'1'.repeat(36)}"`, `"${'1'.repeat(37)}"`, `"${'A'.repeat(256)}"`, 'x'.repeat(300)];
const OBJECTS = ['{}', '[]', '{"a":[{"b":"]"}]}', '{"__proto__":{"x":1}}', '{"a":1,"a":2}', '[[[[]]]]'];
const DEPTHS = ['['.repeat(63) + ']'.repeat(63), '['.repeat(64) + ']'.repeat(64), '['.repeat(5_000)];
const BROKEN = ['{', '[', '"', '\\', ','];
const PARTS = [NUMBERS, STRINGS, LENGTHS, OBJECTS, DEPTHS, BROKEN].flat();
const GOOD = [
  '[2,"id","Heartbeat",{}]',
  '[3,"id",{}]',
  '[4,"id","GenericError","",{}]',
  '[5,"id","FormatViolation","",{}]',
  '[6,"id","Send",{}]',
];

/** Half of them put together from parts, half good frames with a byte changed, lost, doubled or the rest cut off. */
export function malformedFrame({ below, pick }: Random): Buffer {
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

/**
 * What the client gets for a frame, as the version's rules say (docs/dialects/ocpp.md "Bad frames"): the beginning of a
 * CALLERROR, `call` where the frame is a sound CALL, or null. A second reading of the rules, without a line of the codec.
 */
export function answerTo(subprotocol: string, text: string): readonly unknown[] | 'call' | null {
  const isOld = subprotocol === 'ocpp1.6';
  if (text.trim() === '') return null;
  const unreadable = isOld ? null : [4, '-1', 'RpcFrameworkError'];
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
  if (!isSound) return [4, id, isOld ? 'FormationViolation' : 'RpcFrameworkError'];
  if (typeof payload !== 'object' || Array.isArray(payload)) return [4, id, isOld ? 'FormationViolation' : 'FormatViolation'];
  return 'call';
}

function isName(name: unknown): boolean {
  return typeof name === 'string' && /^(?!\.\.?$)[^]+$/.test(name) && name.isWellFormed();
}

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

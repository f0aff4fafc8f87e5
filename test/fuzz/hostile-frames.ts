import type { Random } from '../support/random.ts';
import { BINARY, closeFrame, CONTINUATION, frame, PING, PONG, TEXT } from '../support/raw-socket.ts';

/** Text of one to four bytes a character, so that cuts fall into characters. */
const ALPHABET = ['a', '{', '}', 'é', 'ß', '€', '漢', '\u0000', '\ud7ff', '\ue000', '\ufffd', '\u{10ffff}', '🙂'];
// oxfmt-ignore
const NOT_UTF8 = [
  'ff', 'c080', 'c1bf', 'e08080', 'eda080', 'edbfbf', 'f08080af', 'f4908080', 'f8888080', '80', 'e2', 'e282', 'f09f99', 'c3', 'fe',
];
const CODES = [
  0, 1, 999, 1_000, 1_001, 1_002, 1_003, 1_004, 1_005, 1_006, 1_007, 1_008, 1_010, 1_011, 1_014, 1_015, 1_016, 1_100, 2_000, 2_999, 3_000,
  3_999, 4_000, 4_999, 5_000, 65_535,
];
const RESERVED = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15];

function words({ below, pick }: Random, characters: number): Buffer {
  return Buffer.from(Array.from({ length: below(characters + 1) }, () => pick(ALPHABET)).join(''));
}

function controlFrame(random: Random): Buffer {
  return frame(random.pick([PING, PONG]), random.bytes(random.pick([0, 1, 4, 124, 125])));
}

/** Frames of one message, cut anywhere, with pings and pongs in between (RFC 6455 §5.4). */
function piecesOf(random: Random, opcode: number, payload: Buffer): Buffer[] {
  const { below } = random;
  const cuts = Array.from({ length: below(3) === 0 ? 0 : below(6) }, () => below(payload.length + 1)).toSorted((a, b) => a - b);
  const bounds = [0, ...cuts, payload.length];
  const frames: Buffer[] = [];
  for (let index = 0; index + 1 < bounds.length; index += 1) {
    if (index > 0) for (let count = below(3); count > 0; count -= 1) frames.push(controlFrame(random));
    const isLast = index + 2 === bounds.length;
    frames.push(frame(index === 0 ? opcode : CONTINUATION, payload.subarray(bounds[index], bounds[index + 1]), { fin: isLast }));
  }
  return frames;
}

/** What an honest, if odd, client may send: whole messages and control frames. */
export function soundFrames(random: Random): Buffer {
  const { below, bytes, pick } = random;
  if (below(3) === 0) return Buffer.concat(Array.from({ length: 1 + below(4) }, () => controlFrame(random)));
  const isText = below(2) === 0;
  return Buffer.concat(
    piecesOf(random, isText ? TEXT : BINARY, isText ? words(random, 60) : bytes(pick([0, 1, 125, 126, 127, 300, 4_096]))),
  );
}

type Attack = (random: Random) => Buffer;

/** A header with any length form, and no more payload than is given. */
function header(first: number, form: 0 | 2 | 8, length: bigint): Buffer {
  if (form === 0) return Buffer.from([first, 128 | Number(length), 1, 2, 3, 4]);
  const bytes = Buffer.alloc(2 + form + 4);
  bytes[0] = first;
  bytes[1] = 128 | (form === 2 ? 126 : 127);
  if (form === 2) bytes.writeUInt16BE(Number(length), 2);
  else bytes.writeBigUInt64BE(length, 2);
  bytes.set([1, 2, 3, 4], 2 + form);
  return bytes;
}

const ATTACKS: readonly Attack[] = [
  ({ pick, bytes, below }) => frame(pick([0, TEXT, BINARY, 8, PING, PONG]) | pick([0x10, 0x20, 0x40, 0x70]), bytes(below(20))),
  ({ pick, bytes, below }) => frame(pick(RESERVED), bytes(below(130)), { fin: below(2) === 0 }),
  ({ bytes, below }) => frame(CONTINUATION, bytes(below(20)), { fin: below(2) === 0 }),
  ({ pick, bytes, below }) =>
    Buffer.concat([frame(pick([TEXT, BINARY]), 'a', { fin: false }), frame(pick([TEXT, BINARY]), bytes(below(20)))]),
  ({ pick }) =>
    Buffer.concat([frame(TEXT, 'a', { fin: false }), frame(pick([8, PING, PONG]), 'b', { fin: false }), frame(CONTINUATION, 'c')]),
  ({ pick, bytes }) => frame(pick([8, PING, PONG]), bytes(pick([126, 127, 200, 4_000]))),
  ({ pick, bytes, below }) => frame(pick([TEXT, BINARY, 8, PING, PONG]), bytes(below(20)), { masked: false }),
  ({ pick }) => Buffer.concat([header(0x80 | pick([TEXT, BINARY]), pick([2, 8]), 5n), Buffer.from('hello')]),
  ({ pick }) =>
    header(0x80 | pick([TEXT, BINARY, 0]), 8, pick([65_536n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n])),
  ({ pick }) => header(0x80 | pick([8, PING, PONG]), pick([2, 8]), pick([1n, 126n, 300n])),
  ({ bytes, below }) => frame(BINARY, bytes(4_097 + below(2_000))),
  ({ bytes }) => Buffer.concat([frame(BINARY, bytes(3_000), { fin: false }), frame(CONTINUATION, bytes(1_000 + 97))]),
  (random) =>
    Buffer.concat(piecesOf(random, TEXT, Buffer.concat([words(random, 10), Buffer.from(random.pick(NOT_UTF8), 'hex'), words(random, 10)]))),
  (random) => Buffer.concat(piecesOf(random, TEXT, Buffer.concat([words(random, 10), Buffer.from(random.pick(NOT_UTF8), 'hex')]))),
  ({ pick, below }) =>
    Buffer.concat([
      closeFrame(pick(CODES), pick(['', 'bye', 'grüß', 'x'.repeat(123)])),
      below(2) === 0 ? frame(TEXT, 'after') : Buffer.alloc(0),
    ]),
  ({ pick }) => frame(8, Buffer.concat([Buffer.from([3, 232]), Buffer.from(pick(NOT_UTF8), 'hex')])),
  ({ pick, bytes }) => frame(8, bytes(pick([0, 1]))),
  ({ bytes, below }) => bytes(1 + below(200)),
  (random) => flipped(soundFrames(random), random),
  (random) => flipped(random.pick(ATTACKS.slice(0, 17))(random), random),
  (random) => {
    const sound = soundFrames(random);
    return sound.subarray(0, random.below(sound.length));
  },
];

/** Some of the bytes that say what a frame is are others. */
function flipped(bytes: Buffer, { below }: Random): Buffer {
  const copy = Buffer.from(bytes);
  for (let count = 1 + below(3); count > 0 && copy.length > 0; count -= 1) copy[below(Math.min(copy.length, 14))] = below(256);
  return copy;
}

/** What ends a connection, at most: sound frames may come before it. */
export function hostileFrames(random: Random): Buffer {
  const attack = random.pick(ATTACKS)(random);
  return random.below(3) === 0 ? Buffer.concat([soundFrames(random), attack]) : attack;
}

// A message is `U000017:00000042:0000123456:` and padding: direction, client, sequence number on that client, and the
// microsecond at which it was due. Fixed widths: written and read without strings.

export const HEAD_BYTES = 28;
const CLIENT_END = 7;
const SEQUENCE_END = 16;
const DUE_END = 27;
const PADDING = 0x78;
const COLON = 0x3a;
const ZERO = 0x30;
const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);
const MOST_BYTES = 65_535;

const startedAt = performance.now();

export function nowUs(): number {
  return Math.round((performance.now() - startedAt) * 1_000);
}

export type Direction = 'U' | 'D';
export type Numbers = { readonly client: number; readonly sequence: number; readonly dueUs: number };

export class MessageForm {
  readonly sizeBytes: number;
  readonly #direction: number;
  readonly #plain: Buffer;
  readonly #masked: Buffer;
  readonly #headerBytes: number;

  constructor(direction: Direction, sizeBytes: number) {
    if (!(sizeBytes >= HEAD_BYTES && sizeBytes <= MOST_BYTES))
      throw new Error(`a message of ${HEAD_BYTES} to ${MOST_BYTES} bytes was wanted, not ${sizeBytes}`);
    this.sizeBytes = sizeBytes;
    this.#direction = direction.charCodeAt(0);
    this.#plain = Buffer.alloc(sizeBytes, PADDING);
    this.#plain[0] = this.#direction;
    for (const end of [CLIENT_END, SEQUENCE_END, DUE_END]) this.#plain[end] = COLON;
    this.#masked = clientFrame(1, this.#plain);
    this.#headerBytes = this.#masked.length - sizeBytes;
  }

  /** As a client's whole text frame (RFC 6455 §5.2). */
  frame(numbers: Numbers): Buffer {
    const start = this.#headerBytes;
    const frame = Buffer.allocUnsafe(this.#masked.length);
    this.#masked.copy(frame);
    this.#plain.copy(frame, start, 0, HEAD_BYTES);
    writeNumbers(frame, start, numbers);
    applyMask(frame, start, start + HEAD_BYTES);
    return frame;
  }

  text(numbers: Numbers): Buffer {
    const text = Buffer.allocUnsafe(this.sizeBytes);
    this.#plain.copy(text);
    writeNumbers(text, 0, numbers);
    return text;
  }

  /** The numbers of a message in this span, or null where any other byte is not as it was sent. */
  read(bytes: Buffer, start: number, end: number): Numbers | null {
    const isWhole =
      end - start === this.sizeBytes &&
      bytes[start] === this.#direction &&
      bytes.compare(this.#plain, HEAD_BYTES, this.sizeBytes, start + HEAD_BYTES, end) === 0;
    if (!isWhole) return null;
    return {
      client: readDigits(bytes, start + 1, start + CLIENT_END),
      sequence: readDigits(bytes, start + CLIENT_END + 1, start + SEQUENCE_END),
      dueUs: readDigits(bytes, start + SEQUENCE_END + 1, start + DUE_END),
    };
  }
}

/** A whole frame as a client sends it. The mask is always the same: receivers must unmask by whatever comes. */
export function clientFrame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const header =
    length < 126 ? Buffer.from([0x80 | opcode, 0x80 | length]) : Buffer.from([0x80 | opcode, 0xfe, length >> 8, length & 0xff]);
  const frame = Buffer.concat([header, MASK, payload]);
  applyMask(frame, header.length + MASK.length, frame.length);
  return frame;
}

/** `start` is the payload's, or a multiple of four bytes behind it. */
function applyMask(bytes: Buffer, start: number, end: number): void {
  for (let at = start; at < end; at += 1) bytes[at] = (bytes[at] ?? 0) ^ (MASK[(at - start) & 3] ?? 0);
}

function writeNumbers(target: Buffer, start: number, { client, sequence, dueUs }: Numbers): void {
  writeDigits(target, [start + 1, start + CLIENT_END], client);
  writeDigits(target, [start + CLIENT_END + 1, start + SEQUENCE_END], sequence);
  writeDigits(target, [start + SEQUENCE_END + 1, start + DUE_END], dueUs);
}

function writeDigits(target: Buffer, [start, end]: readonly [number, number], value: number): void {
  let rest = value;
  for (let at = end - 1; at >= start; at -= 1) {
    const next = Math.floor(rest / 10);
    target[at] = ZERO + rest - next * 10;
    rest = next;
  }
}

export function readDigits(bytes: Buffer, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at += 1) value = value * 10 + (bytes[at] ?? 0) - ZERO;
  return value;
}

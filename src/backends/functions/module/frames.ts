/** One message between the gateway and an instance: a small JSON header, and bytes that nobody in between looks into. */
export type Frame = { readonly header: unknown; readonly payload: Buffer };

const LENGTHS_BYTES = 8;
const MAX_HEADER_BYTES = 1_048_576;

/** Two lengths of 32 bits, the header as JSON, the payload. */
export function encodeFrame(header: object, payload?: Buffer | string): Buffer {
  const text = JSON.stringify(header);
  const headerBytes = Buffer.byteLength(text);
  const payloadBytes = payload === undefined ? 0 : Buffer.byteLength(payload);
  const frame = Buffer.allocUnsafe(LENGTHS_BYTES + headerBytes + payloadBytes);
  frame.writeUInt32BE(headerBytes, 0);
  frame.writeUInt32BE(payloadBytes, 4);
  frame.write(text, LENGTHS_BYTES);
  if (typeof payload === 'string') frame.write(payload, LENGTHS_BYTES + headerBytes);
  else if (payload !== undefined) payload.copy(frame, LENGTHS_BYTES + headerBytes);
  return frame;
}

/** Puts frames together from the pieces in which they come, each byte copied once. */
export class FrameReader {
  readonly #maxPayloadBytes: number;
  #chunks: Buffer[] = [];
  #bytes = 0;
  /** Of the frame that is arriving; null: not known yet. */
  #lengths: { readonly header: number; readonly payload: number } | null = null;

  constructor(maxPayloadBytes: number) {
    this.#maxPayloadBytes = maxPayloadBytes;
  }

  /** The frames that are whole now. Throws on what is none: nothing that follows can be read then. */
  read(chunk: Buffer): Frame[] {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    const frames: Frame[] = [];
    for (let frame = this.#next(); frame !== null; frame = this.#next()) frames.push(frame);
    return frames;
  }

  #next(): Frame | null {
    this.#lengths ??= this.#readLengths();
    if (this.#lengths === null || this.#bytes < this.#lengths.header + this.#lengths.payload) return null;
    const { header, payload } = this.#lengths;
    this.#lengths = null;
    return { header: JSON.parse(this.#take(header).toString()) as unknown, payload: this.#take(payload) };
  }

  #readLengths(): { readonly header: number; readonly payload: number } | null {
    if (this.#bytes < LENGTHS_BYTES) return null;
    const bytes = this.#take(LENGTHS_BYTES);
    const lengths = { header: bytes.readUInt32BE(0), payload: bytes.readUInt32BE(4) };
    if (lengths.header > MAX_HEADER_BYTES || lengths.payload > this.#maxPayloadBytes) throw new Error('a frame is too long, or is none');
    return lengths;
  }

  #take(count: number): Buffer {
    const [first] = this.#chunks;
    const all = first !== undefined && first.length >= count ? first : Buffer.concat(this.#chunks, this.#bytes);
    if (all !== first) this.#chunks = [all];
    const rest = all.subarray(count);
    if (rest.length > 0) this.#chunks[0] = rest;
    else this.#chunks.shift();
    this.#bytes -= count;
    return all.subarray(0, count);
  }
}

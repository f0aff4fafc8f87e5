import { createCipheriv, randomBytes, type Cipheriv } from 'node:crypto';
import { BASE64URL, OWNER_LENGTH } from './ids.ts';

const HALF_BITS = 26;
const HALF = 2 ** HALF_BITS;
const ROUNDS = 8;
const BLOCK_BYTES = 16;
const BODY_LENGTH = 15 - OWNER_LENGTH;

/**
 * The ids of a process's connections where they must be short: its owner token, then 52 bits that say nothing and are
 * never used twice by one process: a count, encrypted by a key that nobody else has. They are too few to be a secret.
 */
export class ShortIds {
  readonly #owner: string;
  readonly #cipher: Cipheriv = createCipheriv('aes-128-ecb', randomBytes(16), null).setAutoPadding(false);
  readonly #block = Buffer.alloc(BLOCK_BYTES);
  #given = 0;

  constructor(owner: string) {
    this.#owner = owner;
  }

  next(): string {
    const [left, right] = this.#scrambled(Math.floor(this.#given / HALF), this.#given % HALF);
    this.#given += 1;
    return `${this.#owner}${written(left, right)}=`;
  }

  /** A Feistel network: whatever the rounds do, different numbers stay different. */
  #scrambled(high: number, low: number): readonly [left: number, right: number] {
    let [left, right] = [high, low];
    for (let round = 0; round < ROUNDS; round += 1) {
      this.#block.writeUInt32BE(right, 0);
      this.#block.writeUInt8(round, 4);
      const mixed = this.#cipher.update(this.#block).readUInt32BE(0) & (HALF - 1);
      [left, right] = [right, (left ^ mixed) >>> 0];
    }
    return [left, right];
  }
}

/** 52 bits as 9 characters, the last of which has its two lower bits unused, as base64 leaves them. */
function written(left: number, right: number): string {
  let bits = (BigInt(left) << BigInt(HALF_BITS + 2)) | (BigInt(right) << 2n);
  let text = '';
  for (let place = 0; place < BODY_LENGTH; place += 1) {
    text = (BASE64URL[Number(bits & 63n)] ?? '') + text;
    bits >>= 6n;
  }
  return text;
}

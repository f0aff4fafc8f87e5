import { Redis } from 'ioredis';
import type { StubOwner } from './stub.ts';

const STREAM = 'connectionevents';
const READ_COUNT = 1_000;

type Rows = readonly (readonly [id: Buffer, values: readonly Buffer[]])[];

/** The consumer of a Redis stream, in the place of the backend: tells of each message entry. Opens are asked of the backend still. */
export class StreamReader {
  readonly #owner: Pick<StubOwner, 'messageCall'>;
  readonly #client: Redis;

  constructor(owner: Pick<StubOwner, 'messageCall'>, url: string) {
    this.#owner = owner;
    this.#client = new Redis(url, { protocol: 2, disableClientInfo: true });
  }

  /** For ever; a fault ends the generator, and the run with it. */
  async run(): Promise<never> {
    let last = '0';
    for (;;) {
      const read = await this.#client.callBuffer('XREAD', 'COUNT', READ_COUNT, 'BLOCK', 0, 'STREAMS', STREAM, last);
      const [[, rows]] = read as [[Buffer, Rows]];
      for (const [id, values] of rows) {
        last = String(id);
        if (String(values[3]) !== 'message') continue;
        const message = values[9] ?? Buffer.alloc(0); // connection, action, type, tags, message
        this.#owner.messageCall(message, [0, message.length]);
      }
    }
  }
}

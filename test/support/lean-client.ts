import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { closeFrame, frame, TEXT, upgradeRequest } from './raw-socket.ts';

/** One of thousands of clients: numbers its messages, wants them back in order, and costs little. */
export class LeanClient {
  readonly connected: Promise<void>;
  readonly ended: Promise<void>;
  readonly faults: string[] = [];
  readonly #socket: Socket;
  readonly #name: string;
  readonly #all = Promise.withResolvers<void>();
  #pending = Buffer.alloc(0);
  #isUpgraded = false;
  #got = 0;
  #wanted = Infinity;

  constructor(t: Pick<TestContext, 'after'>, url: string, number: number) {
    const { hostname, port } = new URL(url);
    this.#name = `c${number}`;
    this.#socket = connect({ host: hostname, port: Number(port), noDelay: true });
    t.after(() => this.#socket.destroy());
    this.ended = new Promise((resolve) => this.#socket.once('close', () => resolve()));
    this.connected = new Promise((resolve, reject) => {
      this.#socket.on('error', reject);
      this.#socket.on('data', (chunk: Buffer) => this.#read(chunk, { resolve, reject }));
    });
    this.#socket.write(upgradeRequest({ path: `/${this.#name}` }));
  }

  send(count: number): void {
    this.#wanted = count;
    this.#socket.write(Buffer.concat(Array.from({ length: count }, (_, index) => frame(TEXT, `${this.#name}/${index + 1}`))));
  }

  async gotAll(count: number): Promise<void> {
    if (this.#got < count) await this.#all.promise;
  }

  leave(): void {
    this.#socket.write(closeFrame(1000));
  }

  #read(chunk: Buffer, { resolve, reject }: { resolve: () => void; reject: (error: Error) => void }): void {
    this.#pending = this.#pending.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#pending, chunk]);
    if (!this.#isUpgraded) {
      const end = this.#pending.indexOf('\r\n\r\n');
      if (end < 0) return;
      const status = this.#pending.toString('latin1', 9, 12);
      if (status !== '101') reject(new Error(`client ${this.#name} was refused with ${status}`));
      this.#isUpgraded = true;
      this.#pending = this.#pending.subarray(end + 4);
      resolve();
    }
    for (;;) {
      const length = this.#pending[1];
      if (length === undefined || this.#pending.length < 2 + length) return;
      if (this.#pending[0] === 0x81) this.#message(this.#pending.toString('latin1', 2, 2 + length));
      else if (this.#pending[0] !== 0x88) this.faults.push(`a frame that starts with ${this.#pending[0]} came to ${this.#name}`);
      this.#pending = this.#pending.subarray(2 + length);
    }
  }

  #message(text: string): void {
    this.#got += 1;
    if (text !== `${this.#name}/${this.#got}`) this.faults.push(`${this.#name} wanted push ${this.#got}, got ${text}`);
    if (this.#got === this.#wanted) this.#all.resolve();
  }
}

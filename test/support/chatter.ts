import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { CLOSE, closeFrame, frame, TEXT, upgradeRequest } from './raw-socket.ts';

/** What the upgrade request was answered. */
export type Entry = { readonly status: number; readonly retryAfter: string | null };
export type Goodbye = { readonly code: number; readonly at: number };

type Options = {
  readonly name: string;
  readonly headers?: Record<string, string>;
  /** Has one more message on its way when the close frame comes. */
  readonly hasLastWord?: boolean;
};

/** One of very many clients: numbers what it says, keeps what it hears, answers the gateway's close frame; costs little. */
export class Chatter {
  readonly name: string;
  /** Resolves with the answer to the upgrade request; rejects where none came. */
  readonly entry: Promise<Entry>;
  /** The gateway's close frame, or null where the connection ended without one. */
  readonly goodbye: Promise<Goodbye | null>;
  readonly ended: Promise<void>;
  /** Texts from the gateway, in order. */
  readonly heard: string[] = [];
  /** Messages sent so far; the last was `<name>/<said>`. */
  said = 0;
  isTalking = true;
  readonly socket: Socket;
  #pending: Buffer = Buffer.alloc(0);
  readonly #hasLastWord: boolean;
  #isUpgraded = false;
  #goodbye = Promise.withResolvers<Goodbye | null>();

  constructor(t: Pick<TestContext, 'after'>, url: string, { name, headers = {}, hasLastWord = false }: Options) {
    this.name = name;
    this.#hasLastWord = hasLastWord;
    const { hostname, port } = new URL(url);
    this.socket = connect({ host: hostname, port: Number(port), noDelay: true });
    t.after(() => this.socket.destroy());
    this.goodbye = this.#goodbye.promise;
    this.ended = new Promise((resolve) => this.socket.once('close', () => resolve()));
    this.entry = new Promise((resolve, reject) => {
      this.socket.on('error', reject);
      this.socket.on('data', (chunk: Buffer) => this.#read(chunk, resolve));
      this.socket.on('close', () => {
        this.isTalking = false;
        this.#goodbye.resolve(null);
        reject(new Error(`${name} was dropped before its upgrade was answered`));
      });
    });
    this.entry.catch(() => {}); // only an error where somebody waits for it
    this.socket.write(upgradeRequest({ path: `/${name}`, headers }));
  }

  /** Resolves when this client is in. */
  async in(): Promise<this> {
    const { status } = await this.entry;
    if (status !== 101) throw new Error(`${this.name} was refused with ${status}`);
    return this;
  }

  /** Sends the next message, unless it has seen the close frame. */
  say(): void {
    if (!this.isTalking) return;
    this.said += 1;
    this.socket.write(frame(TEXT, `${this.name}/${this.said}`));
  }

  leave(): void {
    this.isTalking = false;
    this.socket.write(closeFrame(1000));
  }

  #read(chunk: Buffer, answered: (entry: Entry) => void): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    if (!this.#isUpgraded) {
      const end = this.#pending.indexOf('\r\n\r\n');
      if (end < 0) return;
      const head = this.#pending.toString('latin1', 0, end);
      const status = Number(head.slice(9, 12));
      answered({ status, retryAfter: /\r\nretry-after: *(\S*)/i.exec(head)?.[1] ?? null });
      if (status !== 101) return void this.socket.destroy();
      this.#isUpgraded = true;
      this.#pending = this.#pending.subarray(end + 4);
    }
    this.#readFrames();
  }

  /** Frames of the gateway are never masked (RFC 6455 §5.1); longer ones than 64 KiB nobody sends to a Chatter. */
  #readFrames(): void {
    for (;;) {
      const [first = 0, size] = this.#pending;
      if (size === undefined) return;
      const start = size === 126 ? 4 : 2;
      if (this.#pending.length < start) return;
      const stop = start + (size === 126 ? this.#pending.readUInt16BE(2) : size);
      if (this.#pending.length < stop) return;
      const payload = this.#pending.subarray(start, stop);
      this.#pending = this.#pending.subarray(stop);
      if ((first & 15) === TEXT) this.heard.push(payload.toString());
      if ((first & 15) !== CLOSE) continue;
      const code = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
      this.#goodbye.resolve({ code, at: performance.now() });
      if (this.#hasLastWord) this.say();
      if (this.isTalking && this.socket.writable) this.socket.write(closeFrame(code));
      this.isTalking = false;
    }
  }
}

/** Lets this many in, some at a time. */
export async function letIn(count: number, arrive: (index: number) => Chatter, atOnce = 200): Promise<Chatter[]> {
  const chatters: Chatter[] = [];
  const lane = async (): Promise<void> => {
    while (chatters.length < count) {
      const chatter = arrive(chatters.length);
      chatters.push(chatter);
      await chatter.in();
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, lane));
  return chatters;
}

/** Every one says something every so many ms, evenly spread; until the returned function is called, or the test ends. */
export function keepTalking(t: Pick<TestContext, 'after'>, chatters: readonly { say: () => void }[], everyMs: number): () => void {
  const startedAt = performance.now();
  let said = 0;
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startedAt) / everyMs) * chatters.length);
    for (; said < due; said += 1) chatters[said % chatters.length]?.say();
  }, 10);
  const stop = (): void => clearInterval(timer);
  t.after(stop);
  return stop;
}

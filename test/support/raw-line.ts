import { connect as connectTcp, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

/** A TCP connection whose bytes are taken as they come, for tests that open very many of them. */
export class RawLine {
  readonly socket: Socket;
  isEnded = false;
  /** Keeps our half of the connection open when the other side has ended: it must let go of its own accord. */
  lingers = false;
  #bytes: Buffer = Buffer.alloc(0);
  #wake: (() => void) | null = null;

  constructor(port: number) {
    this.socket = connectTcp({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true });
    this.socket.on('error', () => {}); // a reset is an end like any other
    this.socket.on('data', (chunk: Buffer) => {
      this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
      this.#wake?.();
    });
    const end = (): void => {
      this.isEnded = true;
      this.#wake?.();
    };
    this.socket.on('end', end);
    this.socket.on('close', end);
  }

  /** What came and was not taken yet. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** Takes from the front. */
  take(length: number): Buffer {
    const taken = this.#bytes.subarray(0, length);
    this.#bytes = this.#bytes.subarray(length);
    return taken;
  }

  write(bytes: Buffer): void {
    if (this.socket.writable) this.socket.write(bytes);
  }

  /** Our side sends no more. */
  finish(): void {
    if (this.socket.writable) this.socket.end();
  }

  /** Waits until `isEnough` says so or the other side has ended. Rejects when patience is over. */
  async until(isEnough: () => boolean, patienceMs: number): Promise<void> {
    const over = performance.now() + patienceMs;
    while (!isEnough() && !this.isEnded) {
      const leftMs = over - performance.now();
      if (leftMs <= 0) {
        const came = JSON.stringify(this.#bytes.toString('latin1', 0, 300));
        throw new Error(`the connection is open, and nothing more came within ${patienceMs} ms; so far ${came}`);
      }
      await this.#news(leftMs);
    }
  }

  /** Waits for the end of the other side, and lets go, unless it lingers. `what` is that which had to end it. */
  async ended(patienceMs: number, what: string): Promise<void> {
    try {
      await this.until(() => false, patienceMs);
    } catch (cause) {
      throw new Error(`${what} did not end the connection within ${patienceMs} ms`, { cause });
    }
    if (!this.lingers) this.socket.destroy();
  }

  #news(mostMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, mostMs);
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = null;
        resolve();
      };
    });
  }
}

/** Opens lines to this port. Those that linger stay half open until the test has ended. */
export function lineMaker(t: Pick<TestContext, 'after'>, port: number): (lingers: boolean) => RawLine {
  const lingering: RawLine[] = [];
  t.after(() => {
    for (const { socket } of lingering) socket.destroy();
  });
  return (lingers) => {
    const line = new RawLine(port);
    line.lingers = lingers;
    if (lingers) lingering.push(line);
    return line;
  };
}

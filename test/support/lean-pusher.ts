import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

/** Pipelines pushes on one socket: written once a turn of the loop, their answers counted in order. */
export class LeanPusher {
  readonly faults: string[] = [];
  readonly #socket: Socket;
  #requests: string[] = [];
  #pending = '';
  #unanswered = 0;
  #whenAnswered = (): void => {};

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', (error) => this.faults.push(error.message));
  }

  static async connect(t: Pick<TestContext, 'after'>, url: string): Promise<LeanPusher> {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    t.after(() => socket.destroy());
    await once(socket, 'connect');
    return new LeanPusher(socket);
  }

  push(id: string, body: string): void {
    if (this.#requests.length === 0) setImmediate(() => this.#flush());
    this.#unanswered += 1;
    this.#requests.push(`PUT /${id} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  }

  /** Resolves when no answer is out. */
  allAnswered(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#unanswered === 0) resolve();
      else this.#whenAnswered = resolve;
    });
  }

  #flush(): void {
    this.#socket.write(this.#requests.join(''));
    this.#requests = [];
  }

  #read(chunk: Buffer): void {
    this.#pending += chunk.toString('latin1');
    for (;;) {
      const end = this.#pending.indexOf('\r\n\r\n');
      if (end < 0) return;
      const head = this.#pending.slice(0, end);
      const stop = end + 4 + Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      if (this.#pending.length < stop) return;
      if (!head.startsWith('HTTP/1.1 200 ')) this.faults.push(this.#pending.slice(0, stop));
      this.#unanswered -= 1;
      if (this.#unanswered === 0) this.#whenAnswered();
      this.#pending = this.#pending.slice(stop);
    }
  }
}

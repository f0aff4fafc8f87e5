import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { readDigits } from './message.ts';
import type { Speech } from './speech.ts';

/** What the backend was called for; called synchronously, before the answer is written. */
export interface StubOwner {
  connectCall(client: number, wsUri: string): void;
  messageCall(bytes: Buffer, span: readonly [start: number, end: number]): void;
  closeCall(client: number): void;
  /** What the backend says to a message, in a dialect whose answers go back to the client. */
  replyTo(bytes: Buffer, span: readonly [start: number, end: number]): Buffer;
}

const [P, U] = Buffer.from('PU') as unknown as [number, number]; // of PUT; POST and DELETE are rare
const LAST_HEADER = '\r\ncontent-length: ';
const HEAD_END = Buffer.from('\r\n\r\n');
const NO_BYTES = Buffer.alloc(0);
const OK = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{"code":"OK"}';
const DONE = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
const UNAVAILABLE = 'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n';

/** The backend: an HTTP/1.1 server on bare sockets. Pipelined requests of one read are answered in one write. */
export class Stub {
  /** `unavailable` answers 503, `reset` hangs up; the soak's outages. */
  mood: 'well' | 'unavailable' | 'reset' = 'well';
  /** How long it thinks before it answers a message or a close. */
  delayMs = 0;
  readonly #owner: StubOwner;
  readonly #speech: Speech | null;
  readonly #server: Server;

  constructor(owner: StubOwner, speech: Speech | null) {
    this.#owner = owner;
    this.#speech = speech;
    this.#server = createServer({ noDelay: true }, (socket) => this.#serve(socket));
  }

  listen(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host: '127.0.0.1', port: 0, backlog: 4_096 }, () => resolve((this.#server.address() as AddressInfo).port));
    });
  }

  #serve(socket: Socket): void {
    let rest: Buffer = NO_BYTES;
    socket.on('error', () => {}); // the gateway's side went away; 'close' follows
    socket.on('data', (chunk: Buffer) => {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      let at = 0;
      let answers = '';
      for (;;) {
        const headEnd = bytes.indexOf(HEAD_END, at);
        if (headEnd < 0) break;
        const start = headEnd + HEAD_END.length;
        const end = start + contentLength(bytes, at, headEnd);
        if (end > bytes.length) break;
        if (this.mood === 'reset') {
          socket.resetAndDestroy();
          return;
        }
        answers += this.mood === 'well' ? this.#answer(bytes, at, [start, end]) : UNAVAILABLE;
        at = end;
      }
      rest = at === bytes.length ? NO_BYTES : bytes.subarray(at);
      if (answers === '') return;
      if (this.delayMs === 0 || !answers.startsWith(DONE)) socket.write(answers, 'latin1');
      else setTimeout(() => socket.write(answers, 'latin1'), this.delayMs);
    });
  }

  #answer(bytes: Buffer, at: number, span: readonly [number, number]): string {
    if (this.#speech === null && bytes[at] === P && bytes[at + 1] === U) {
      this.#owner.messageCall(bytes, span);
      return DONE;
    }
    const head = bytes.toString('latin1', at, span[0]);
    if (this.#speech !== null) return this.#spoken(this.#speech, head, { bytes, span });
    const client = Number(/^authorization: Bench (\d+)$/im.exec(head)?.[1]);
    if (head.startsWith('DELETE ')) {
      this.#owner.closeCall(client);
      return DONE;
    }
    const { ws_uri: wsUri } = JSON.parse(bytes.toString('utf8', ...span)) as { ws_uri: string };
    this.#owner.connectCall(client, wsUri);
    return OK;
  }

  #spoken(speech: Speech, head: string, { bytes, span }: { readonly bytes: Buffer; readonly span: readonly [number, number] }): string {
    const call = speech.call(head, span, bytes);
    switch (call.type) {
      case 'open':
        this.#owner.connectCall(call.client, '');
        return answerOf(speech.accepted);
      case 'close':
        this.#owner.closeCall(call.client);
        return DONE;
      case 'message':
        this.#owner.messageCall(bytes, call.span);
        return answerOf(speech.answer(speech.isRoundTrip ? this.#owner.replyTo(bytes, call.span) : NO_BYTES));
    }
  }
}

function answerOf(body: string): string {
  const type = body.startsWith('{') ? 'application/json' : 'text/plain';
  return `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

/** undici sends it last, which is where it is looked for first. */
function contentLength(bytes: Buffer, from: number, headEnd: number): number {
  let digits = headEnd;
  while (digits > from && isDigit(bytes[digits - 1] ?? 0)) digits -= 1;
  if (bytes.toString('latin1', digits - LAST_HEADER.length, digits) === LAST_HEADER) return readDigits(bytes, digits, headEnd);
  const head = bytes.toString('latin1', from, headEnd);
  const length = /^content-length: *(\d+)/im.exec(head)?.[1];
  if (length === undefined && /^(PUT|POST) /.test(head))
    throw new Error(`a call with Content-Length was wanted, not: ${head.slice(0, 200)}`);
  return Number(length ?? 0);
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

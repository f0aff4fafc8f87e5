import type { ServerResponse } from 'node:http';

/** Unsent bytes beyond which a reader gets nothing new. */
const MAX_UNSENT_BYTES = 262_144;
/** What the last words may take to leave. */
const LAST_WORDS_MS = 1_000;

/** Server-sent events to one reader (WHATWG HTML, "Server-sent events"), who may be slow. */
export class EventStream {
  readonly #response: ServerResponse;

  constructor(response: ServerResponse, headers: Readonly<Record<string, unknown>>) {
    this.#response = response;
    response.writeHead(200, {
      ...(headers as Record<string, string>),
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no', // nginx would hold events back
    });
    response.on('error', () => {});
  }

  /** False: the reader has not taken what it was sent before. */
  get isTaking(): boolean {
    return this.#response.writableLength < MAX_UNSENT_BYTES;
  }

  get isOver(): boolean {
    return this.#response.destroyed || this.#response.writableEnded;
  }

  /** One line of JSON: it has no line ends, so it is one `data` field. */
  send(event: string, data: unknown): void {
    if (!this.isOver) this.#response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  /** So that neither end, nor a proxy between, takes the silence for a dead connection. */
  keepAlive(): void {
    if (!this.isOver) this.#response.write(':\n\n');
  }

  /** Who does not read its last words in time is cut off. */
  end(event: string, data: unknown): void {
    if (this.isOver) return;
    this.send(event, data);
    this.#response.end();
    const { socket } = this.#response;
    setTimeout(() => (this.#response.destroyed || !this.#response.writableFinished ? socket?.destroy() : undefined), LAST_WORDS_MS).unref();
  }
}

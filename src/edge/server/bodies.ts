import type { IncomingMessage } from 'node:http';
import { errorCodes, type FastifyInstance } from 'fastify';

/** Of a body that is too long so much more is read and dropped. */
const MOST_DROPPED_BYTES = 16 * 2 ** 20;

/** Requests that are answered while the rest of their body is read and dropped. */
const dropping = new WeakSet<IncomingMessage>();

type Done = (error: Error | null, body?: Buffer) => void;

/**
 * Bodies come to routes as they are, whole, and copied out of what the socket was read into. Fastify's own parser has a
 * limit that is fixed at the start; a routes file that is read again may allow longer messages.
 */
export function readBodies(server: FastifyInstance, maxBytes: () => number): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', (request, payload, done: Done) => collect(request.raw, payload, { maxBytes: maxBytes(), done }));
}

/**
 * Is the rest of its body dropped behind the answer? Then the connection may go on: an end in the midst of an upload would
 * reset it, and many clients then never see why.
 */
export function dropsRest(request: IncomingMessage): boolean {
  return dropping.has(request);
}

/** Reads a body to its end, and at most `maxBytes` of it. `done` is called once, with a copy. */
export function collect(
  request: IncomingMessage,
  payload: IncomingMessage,
  { maxBytes, done }: { readonly maxBytes: number; readonly done: Done },
): void {
  const length = Number(request.headers['content-length'] ?? 0);
  if (length > maxBytes) return refuse(length);
  const chunks: Buffer[] = [];
  let bytes = 0;
  payload.on('data', add);
  payload.on('end', end);
  payload.on('error', end);
  return undefined;

  function add(chunk: Buffer): void {
    bytes += chunk.length;
    if (bytes <= maxBytes) return void chunks.push(chunk);
    leave();
    return refuse(bytes);
  }

  /** Ends without an error once the whole length has come: Node's parser sees to that. */
  function end(error?: Error): void {
    leave();
    if (error === undefined) done(null, Buffer.concat(chunks, bytes));
    else done(Object.assign(error, { statusCode: 400 }));
  }

  function leave(): void {
    payload.off('data', add);
    payload.off('end', end);
    payload.off('error', end);
  }

  function refuse(knownBytes: number): void {
    if (knownBytes <= maxBytes + MOST_DROPPED_BYTES) {
      dropping.add(request);
      drop(payload);
    }
    done(new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE());
  }
}

function drop(payload: IncomingMessage): void {
  let bytes = 0;
  payload.on('error', () => {});
  payload.on('data', ({ length }: Buffer) => {
    bytes += length;
    if (bytes > MOST_DROPPED_BYTES) payload.destroy();
  });
}

import type { IncomingMessage } from 'node:http';
import { errorCodes, type FastifyInstance } from 'fastify';

type Done = (error: Error | null, body?: Buffer) => void;

/**
 * Bodies come to routes as they are, whole, and copied out of what the socket was read into. Fastify's own parser has a
 * limit that is fixed at the start; a routes file that is read again may allow longer messages.
 */
export function readBodies(server: FastifyInstance, maxBytes: () => number): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', (request, payload, done: Done) => collect(request.raw, payload, { maxBytes: maxBytes(), done }));
}

function collect(
  { headers }: IncomingMessage,
  payload: IncomingMessage,
  { maxBytes, done }: { readonly maxBytes: number; readonly done: Done },
): void {
  if (Number(headers['content-length']) > maxBytes) return done(new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE());
  const chunks: Buffer[] = [];
  let bytes = 0;
  payload.on('data', add);
  payload.on('end', end);
  payload.on('error', end);
  return undefined;

  function add(chunk: Buffer): void {
    bytes += chunk.length;
    if (bytes > maxBytes) return leave(new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE());
    chunks.push(chunk);
    return undefined;
  }

  /** Ends without an error once the whole length has come: Node's parser sees to that. */
  function end(error?: Error): void {
    if (error === undefined) leave(null, Buffer.concat(chunks, bytes));
    else leave(Object.assign(error, { statusCode: 400 }));
  }

  function leave(error: Error | null, body?: Buffer): void {
    payload.off('data', add);
    payload.off('end', end);
    payload.off('error', end);
    done(error, body);
  }
}

import type { Server as HttpServer } from 'node:http';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { Certificate } from './certificate.ts';

/** The first byte of a TLS record that holds a handshake (RFC 8446 §5.1); no HTTP request begins with it. */
const TLS_HANDSHAKE = 0x16;
/** A socket that says nothing for so long is nobody's. */
const FIRST_BYTE_MS = 10_000;

export type FrontOptions = {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  readonly firstByteMs?: number;
};

export type Front = {
  readonly port: number;
  /** What comes in goes to this server. */
  readonly serve: (server: HttpServer) => void;
  readonly close: () => Promise<void>;
};

/**
 * One port for plain and encrypted connections: a browser page connects by `ws://`, the SDK of a handler insists on `https://`, and
 * both are told the same host. The first byte says which it is.
 */
export async function openFront({ cert, key }: Certificate, { host, port, firstByteMs = FIRST_BYTE_MS }: FrontOptions): Promise<Front> {
  const sockets = new Set<Socket>();
  let server: HttpServer | null = null;
  const tls = createTlsServer({ cert, key, ALPNProtocols: ['http/1.1'], handshakeTimeout: firstByteMs });
  tls.on('secureConnection', (socket) => {
    socket.on('error', () => socket.destroy());
    server?.emit('connection', socket);
  });
  tls.on('tlsClientError', (_error, socket) => socket.destroy());
  const listener = createServer({ pauseOnConnect: false, noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    const patience = setTimeout(() => socket.destroy(), firstByteMs);
    socket.once('readable', () => {
      clearTimeout(patience);
      const first = socket.read() as Buffer | null;
      if (first === null || server === null) {
        socket.destroy();
        return;
      }
      socket.unshift(first);
      (first[0] === TLS_HANDSHAKE ? tls : server).emit('connection', socket);
    });
    socket.once('close', () => clearTimeout(patience));
  });
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject);
    listener.listen({ host, port }, resolve);
  });
  return {
    port: (listener.address() as AddressInfo).port,
    serve(given) {
      server = given;
    },
    async close() {
      const closed = new Promise((resolve) => listener.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { GatewayError } from '../../wire/errors.ts';

const judged = new WeakMap<Socket, GatewayError | null>();

/**
 * What keeps a caller without a certificate of TLS_CLIENT_CA_FILE from the control API; null: nothing. Judged once a socket:
 * its certificate cannot change (TLS 1.3 has no renegotiation, and servers of Node start none in TLS 1.2).
 */
export function certificateProblem(socket: Socket): GatewayError | null {
  const known = judged.get(socket);
  if (known !== undefined) return known;
  const problem = problemOf(socket as TLSSocket);
  judged.set(socket, problem);
  return problem;
}

/** A session that is resumed is judged by the certificate that it began with; one that began without has none (test/edge/server/tls.test.ts). */
function problemOf(socket: TLSSocket): GatewayError | null {
  if (!socket.encrypted || socket.getPeerX509Certificate() === undefined)
    return new GatewayError('FORBIDDEN', 'the control API wants a client certificate of TLS_CLIENT_CA_FILE, and none came');
  if (socket.authorized) return null;
  const because = String(socket.authorizationError ?? 'unknown').slice(0, 100);
  return new GatewayError('FORBIDDEN', `nobody in TLS_CLIENT_CA_FILE vouches for this client certificate (${because})`);
}

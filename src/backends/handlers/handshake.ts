import type { OpenRequest } from '../../core/events.ts';
import type { Handshake } from './handlers.ts';

export function handshakeOf(id: string, { path, parameters, query, headers, subprotocols, remoteAddress }: OpenRequest): Handshake {
  return { id, path, params: parameters, query, headers, subprotocols, remoteAddress };
}

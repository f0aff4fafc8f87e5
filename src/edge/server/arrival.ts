import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { Arrived } from '../../wire/tracing.ts';
import { pathOf } from './query.ts';

/** What a span tells of a request. `route`: the pattern that its path matched. */
export function arrivalOf(request: IncomingMessage, { route, remoteAddress }: Pick<Arrived, 'route' | 'remoteAddress'>): Arrived {
  const { method = '', url = '', headers, socket } = request;
  return {
    method,
    path: pathOf(url),
    route,
    scheme: (socket as Partial<TLSSocket>).encrypted === true ? 'https' : 'http',
    headers,
    remoteAddress,
  };
}

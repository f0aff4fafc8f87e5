import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { Arrived } from '../../wire/tracing.ts';

/** What a span tells of a request. `route`: the pattern that its path matched. */
export function arrivalOf(request: IncomingMessage, { route, remoteAddress }: Pick<Arrived, 'route' | 'remoteAddress'>): Arrived {
  const { method = '', url = '', headers, socket } = request;
  const end = url.indexOf('?');
  return {
    method,
    path: end < 0 ? url : url.slice(0, end),
    route,
    scheme: (socket as Partial<TLSSocket>).encrypted === true ? 'https' : 'http',
    headers,
    remoteAddress,
  };
}

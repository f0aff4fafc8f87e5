import { createHash } from 'node:crypto';
import type { OpenEvent } from '../../core/events.ts';

/** Headers as AWS writes them down: each name with its last value, and with all of them. */
export type HeaderMaps = {
  readonly headers: Readonly<Record<string, string>>;
  readonly multiValueHeaders: Readonly<Record<string, readonly string[]>>;
};

/** Of one hop only, or ours to say: what a client writes there is not believed. */
const NOT_THE_CLIENTS = new Set([
  'connection',
  'upgrade',
  'content-length',
  'transfer-encoding',
  'x-amzn-trace-id',
  'x-forwarded-for',
  'x-forwarded-port',
  'x-forwarded-proto',
]);

/** The headers of CONNECT: the client's own as it spelt them, then those of a balancer. */
export function connectHeaders(event: OpenEvent): HeaderMaps {
  const { request } = event;
  const maps = new Maps();
  let host = '';
  for (let index = 0; index + 1 < request.rawHeaders.length; index += 2) {
    const name = request.rawHeaders[index] ?? '';
    const value = request.rawHeaders[index + 1] ?? '';
    const lower = name.toLowerCase();
    if (lower === 'host') host = value;
    if (!NOT_THE_CLIENTS.has(lower)) maps.add(name, value);
  }
  maps.add('X-Amzn-Trace-Id', traceIdOf(event));
  maps.add('X-Forwarded-For', request.remoteAddress);
  maps.add('X-Forwarded-Port', portOf(host, request.isEncrypted));
  maps.add('X-Forwarded-Proto', request.isEncrypted ? 'https' : 'http');
  return maps;
}

/** The same as an authorizer hears them. */
export function authorizerHeaders(event: OpenEvent): HeaderMaps {
  const maps = connectHeaders(event) as Maps;
  maps.add('Connection', 'upgrade');
  maps.add('Upgrade', 'websocket');
  maps.add('content-length', '0');
  return maps;
}

/** The headers of DISCONNECT, which are the same for all. */
export function disconnectHeaders(host: string): HeaderMaps {
  const maps = new Maps();
  maps.add('Host', host);
  maps.add('x-api-key', '');
  maps.add('X-Forwarded-For', '');
  maps.add('x-restapi', '');
  return maps;
}

class Maps implements HeaderMaps {
  readonly headers: Record<string, string> = Object.create(null) as Record<string, string>;
  readonly multiValueHeaders: Record<string, string[]> = Object.create(null) as Record<string, string[]>;
  /** How a name was spelt first. */
  readonly #spelt = new Map<string, string>();

  add(name: string, value: string): void {
    const lower = name.toLowerCase();
    const spelt = this.#spelt.get(lower) ?? name;
    this.#spelt.set(lower, spelt);
    this.headers[spelt] = value;
    (this.multiValueHeaders[spelt] ??= []).push(value);
  }
}

/** The client's trace goes on where it brought one (W3C Trace Context), else the connection's id makes one. */
function traceIdOf({ party, request }: OpenEvent): string {
  const hex = request.traceparent?.slice(3, 35) ?? createHash('sha256').update(party.key).digest('hex').slice(0, 32);
  return `Root=1-${hex.slice(0, 8)}-${hex.slice(8)}`;
}

function portOf(host: string, isEncrypted: boolean): string {
  return /:(\d{1,5})$/.exec(host)?.[1] ?? (isEncrypted ? '443' : '80');
}

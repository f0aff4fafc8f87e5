import { isIP } from 'node:net';

const PORTS = { 'amqp:': 5_672, 'amqps:': 5_671 };
/** A connection on which nothing comes for two of these is dead. */
const HEARTBEAT_SECONDS = 15;

/** As the client wants it. */
export type Address = {
  readonly protocol: 'amqp' | 'amqps';
  readonly hostname: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly vhost: string;
  readonly heartbeat: number;
};

/** `amqp://user:password@host:5672/vhost`, `amqps://` (TLS); without a path the virtual host `/`. */
export function readAddress(url: string): Address {
  const { protocol, hostname, port, username, password, pathname } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  return {
    protocol: protocol === 'amqps:' ? 'amqps' : 'amqp',
    hostname: host,
    port: Number(port) || PORTS[protocol as keyof typeof PORTS],
    username: decodeURIComponent(username) || 'guest',
    password: decodeURIComponent(password) || 'guest',
    vhost: decodeURIComponent(pathname.slice(1)) || '/',
    heartbeat: HEARTBEAT_SECONDS,
  };
}

/** What the socket is opened with. RFC 6066 §3: no address is a server name. */
export function socketOptions({ protocol, hostname }: Address, timeout: number): object {
  return { timeout, noDelay: true, ...(protocol === 'amqps' && isIP(hostname) === 0 && { servername: hostname }) };
}

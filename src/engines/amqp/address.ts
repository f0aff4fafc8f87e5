const PORTS = { 'amqp:': 5_672, 'amqps:': 5_671 };
/** A connection on which nothing comes for two of these is dead. */
const HEARTBEAT_SECONDS = 15;

/** As the client wants it: the virtual host stays percent-encoded. */
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
  return {
    protocol: protocol === 'amqps:' ? 'amqps' : 'amqp',
    hostname: hostname.replace(/^\[(.*)\]$/, '$1'), // IPv6 addresses stand in brackets only in a URL
    port: Number(port) || PORTS[protocol as keyof typeof PORTS],
    username: decodeURIComponent(username) || 'guest',
    password: decodeURIComponent(password) || 'guest',
    vhost: pathname.slice(1),
    heartbeat: HEARTBEAT_SECONDS,
  };
}

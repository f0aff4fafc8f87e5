import { isIP } from 'node:net';
import type { RedisOptions } from 'ioredis';

const SENTINEL_PORT = 26_379;
const REDIS_PORT = 6_379;

export type Address = Pick<RedisOptions, 'host' | 'port' | 'db' | 'username' | 'password' | 'tls' | 'sentinels' | 'name'>;

/** `redis://`, `rediss://` (TLS) or `redis+sentinel://host,host/<name of the primary>` as the client wants it; a string says what is wrong. */
export function readAddress(url: string, credentials: string | null): Address | string {
  const sentinel = /^redis\+sentinel:\/\/(?:([^@]*)@)?([^/]+)\/([^/?]+)$/.exec(url);
  if (sentinel !== null) {
    const [, user = '', hosts = '', name = ''] = sentinel;
    const sentinels = hosts.split(',').map((host) => new URL(`redis://${host}`));
    return {
      sentinels: sentinels.map(({ hostname, port }) => ({ host: bare(hostname), port: Number(port) || SENTINEL_PORT })),
      name,
      ...(user === '' ? login(credentials, String) : login(user, decodeURIComponent)),
    };
  }
  const { protocol, hostname, port, username, password, pathname } = new URL(url);
  const database = Number(pathname.slice(1));
  if (!Number.isInteger(database)) return 'the path of the URL must be the number of a database, as in redis://host:6379/0';
  return {
    host: bare(hostname),
    port: Number(port) || REDIS_PORT,
    db: database,
    ...(username === '' && password === '' ? login(credentials, String) : login(`${username}:${password}`, decodeURIComponent)),
    ...(protocol === 'rediss:' && { tls: isIP(bare(hostname)) === 0 ? { servername: hostname } : {} }), // RFC 6066 §3: no address is a server name
  };
}

/** `user:password` or `password`. */
function login(credentials: string | null, decode: (text: string) => string): Pick<RedisOptions, 'username' | 'password'> {
  if (credentials === null || credentials === '') return {};
  const colon = credentials.indexOf(':');
  const [user, password] = colon < 0 ? ['', credentials] : [credentials.slice(0, colon), credentials.slice(colon + 1)];
  return { ...(user !== '' && { username: decode(user) }), password: decode(password) };
}

/** IPv6 addresses stand in brackets only in a URL. */
function bare(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}

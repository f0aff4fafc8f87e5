import { syncBuiltinESMExports } from 'node:module';
import tls from 'node:tls';

/**
 * Loaded before a handler, with `?gateway=localhost:3001&apis=<id>,<id>`: some handlers build their endpoint from the API's id,
 * `https://<id>.execute-api.<region>.amazonaws.com/<stage>`. Connections to the hosts of these APIs, which AWS does not have, go to the
 * gateway of the session, whose certificate is checked by its own name. All others are as ever.
 */
const { searchParams } = new URL(import.meta.url);
const [hostname = '', port = ''] = (searchParams.get('gateway') ?? '').split(':');
const ids = new Set(searchParams.get('apis')?.split(','));
const HOST = /^([a-z0-9]+)\.execute-api\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?$/;

type Connect = (...given: unknown[]) => tls.TLSSocket;

const connect = tls.connect as Connect;
const connectHere: Connect = (first, ...more) =>
  connect(isOwn(first) ? { ...first, host: hostname, port: Number(port), servername: hostname } : first, ...more);
Object.assign(tls, { connect: connectHere });
syncBuiltinESMExports();

/** Node's agents and its `fetch` give an object of options first. */
function isOwn(first: unknown): first is object {
  const { host, servername } = Object(first) as { readonly host?: unknown; readonly servername?: unknown };
  const [, id = ''] = HOST.exec(String(servername || host)) ?? [];
  return ids.has(id);
}

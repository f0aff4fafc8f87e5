import type { Cursor } from '../cursor.ts';
import { TemplateError, type Notes } from '../notes.ts';

/** Where events go, as a URL (docs/migration.md#from-wsgateway). */
export type StreamBackend = {
  readonly url: string;
  /** Names of `{json.NAME}` in the name of the stream, or in the routing key. */
  readonly usedVariables: ReadonlySet<string>;
};

/** Parameters that wsgateway's client of Redis took; ours has no use for them. */
const DATABASE = 'db';

/** wsgateway wants one of the two streams, not both. Throws a TemplateError. */
export function backendOf(config: Cursor, notes: Notes): StreamBackend {
  const redis = config.get('stream_redis');
  const amqp = config.get('stream_amqp');
  const [hasRedis, hasAmqp] = [redis, amqp].map((stream) => stream.get('addr').isGiven);
  if (hasRedis === hasAmqp) {
    const { file } = config.place;
    throw new TemplateError([`${file}:${redis.place.line}: one of stream_redis.addr and stream_amqp.addr was wanted, as wsgateway does`]);
  }
  return hasRedis ? redisBackend(redis, notes) : amqpBackend(amqp, notes);
}

function redisBackend(stream: Cursor, notes: Notes): StreamBackend {
  const addr = stream.get('addr');
  const [address = '', query = ''] = (addr.text() ?? '').split('?');
  const given = new URLSearchParams(query);
  const lost = [...given.keys()].filter((name) => name !== DATABASE);
  if (lost.length > 0) notes.add(addr.place, addr.path, `the parameters of its client have no meaning here: ${lost.join(', ')}`);
  const database = given.get(DATABASE);
  const name = stream.get('stream_name').text() ?? 'connectionevents';
  notes.add(addr.place, addr.path, 'wsgateway lets the stream grow for ever; here it keeps about 1,000,000 entries (maxlen=0 keeps all)');
  return made(`${address}${database !== null && !/\/\d+$/.test(address) ? `/${database}` : ''}`, { stream: name }, name);
}

function amqpBackend(stream: Cursor, notes: Notes): StreamBackend {
  const headers = stream.get('headers');
  if (headers.isGiven) notes.add(headers.place, headers.path, 'wsgateway never sent them, and neither does this gateway');
  const routingKey = stream.get('routing_key').text() ?? '';
  const exchange = stream.get('exchange').text() ?? '';
  if (exchange === '') {
    const at = stream.get('exchange');
    notes.add(at.place, at.path, 'an exchange was wanted; it is called wsgateway here');
  }
  const queue = stream.get('queue').text() ?? '';
  return made(
    stream.get('addr').text() ?? '',
    { exchange: exchange || 'wsgateway', ...(queue !== '' && { queue }), ...(routingKey !== '' && { routingKey }) },
    routingKey,
  );
}

function made(address: string, parameters: Readonly<Record<string, string>>, name: string): StreamBackend {
  const query = new URLSearchParams(parameters).toString();
  const readable = query.replaceAll(/%7B|%7D|%3A/g, decodeURIComponent);
  return { url: `${address}?${readable}`, usedVariables: new Set([...name.matchAll(/\{json\.([^:{}]+)/g)].map(([, found = '']) => found)) };
}

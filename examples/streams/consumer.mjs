// An echo consumer in Node: reads what clients do from a Redis stream and answers through a stream of commands.
// Run it: redis-server &
//   ROUTES_FILE=examples/streams/routes.yaml npm start &
//   node examples/streams/consumer.mjs          (REDIS_URL=redis://127.0.0.1:6379)
import { Redis } from 'ioredis';

const redis = new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');
const [EVENTS, COMMANDS, GROUP, CONSUMER] = ['connectionevents', 'wscommands', 'echo', 'main'];
const last = new Map(); // by connection: a repeat has the event_id of the entry before it

await redis.xgroup('CREATE', EVENTS, GROUP, '0', 'MKSTREAM').catch(() => {}); // it is there already
console.log(`echo consumer: reads ${EVENTS}`);
for (let from = '0'; ;) {
  // from 0: what this consumer had taken before it was stopped; then > : what is new
  const read = await redis.xreadgroupBuffer('GROUP', GROUP, CONSUMER, 'COUNT', 100, 'BLOCK', 5000, 'STREAMS', EVENTS, from);
  const entries = read?.[0]?.[1] ?? [];
  if (entries.length === 0) from = '>';
  for (const [id, values] of entries) {
    await handle(fieldsOf(values));
    await redis.xack(EVENTS, GROUP, id);
  }
}

async function handle({ connection, action, event_id, type, message }) {
  if (last.get(`${connection}`) === `${event_id}`) return;
  last.set(`${connection}`, `${event_id}`);
  if (action == 'close') last.delete(`${connection}`);
  if (action == 'open') await command(connection, 'text', 'Welcome');
  if (action == 'message') await command(connection, type, Buffer.concat([Buffer.from('You said: '), message]));
}

function command(connection, type, message) {
  return redis.xadd(COMMANDS, '*', 'action', 'send', 'selector', `id=${connection}`, 'type', type, 'message', message);
}

function fieldsOf(values) {
  return Object.fromEntries(Array.from({ length: values.length / 2 }, (_, pair) => [values[2 * pair], values[2 * pair + 1]]));
}

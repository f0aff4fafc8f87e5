import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Redis } from 'ioredis';
import { Arrivals } from './arrivals.ts';
import { startEngine, type EngineServer } from './engine-server.ts';

/** What a consumer reads of an entry: bytes as they are, and the same as text. */
export type StreamEntry = {
  readonly id: string;
  readonly stream: string;
  readonly bytes: Readonly<Record<string, Buffer>>;
  readonly text: Readonly<Record<string, string>>;
  /** The names of its fields, in their order. */
  readonly names: readonly string[];
};

/** A Redis that has what it had when it is killed and started again. */
export async function startLastingRedis(t: Pick<TestContext, 'after'>): Promise<EngineServer> {
  const directory = await mkdtemp(join(tmpdir(), 'redis-lasting-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return startEngine(t, 'redis', ['--dir', directory, '--appendonly', 'yes', '--appendfsync', 'always']);
}

/** A connection that is closed with the test. */
export function redisClient(t: Pick<TestContext, 'after'>, { url }: Pick<EngineServer, 'url'>): Redis {
  const client = new Redis(url, { protocol: 2, disableClientInfo: true, maxRetriesPerRequest: null });
  client.on('error', () => {}); // it comes back
  t.after(() => client.disconnect());
  return client;
}

/** wsgateway's own consumer loop: a group from the beginning, one entry a read, acknowledged once it was handed on. It goes on after the broker's absence. */
export function consume(
  t: Pick<TestContext, 'after'>,
  engine: Pick<EngineServer, 'url'>,
  { stream = 'connectionevents', group = 'ws_consumers', count = 1 }: { stream?: string; group?: string; count?: number } = {},
): { readonly entries: Arrivals<StreamEntry>; readonly stop: () => void } {
  const client = redisClient(t, engine);
  const entries = new Arrivals<StreamEntry>();
  let isStopped = false;
  const stop = (): void => {
    isStopped = true;
    client.disconnect();
  };
  t.after(stop);
  const run = async (): Promise<void> => {
    let from = '0'; // first what this consumer had taken before it was stopped
    while (!isStopped) {
      try {
        await client.call('XGROUP', 'CREATE', stream, group, '0', 'MKSTREAM').catch(() => {});
        const words = ['GROUP', group, 'main_consumer', 'COUNT', count, 'BLOCK', 200, 'STREAMS', stream, from];
        const read = (await client.callBuffer('XREADGROUP', words)) as [[Buffer, [Buffer, Buffer[]][]]] | null;
        const rows = read?.[0][1] ?? [];
        if (rows.length === 0) from = '>';
        for (const [id, values] of rows) {
          entries.add(entryOf(String(id), stream, values));
          await client.call('XACK', stream, group, String(id));
        }
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 20)); // the broker is away
      }
    }
  };
  void run();
  return { entries, stop };
}

export function entryOf(id: string, stream: string, values: readonly Buffer[]): StreamEntry {
  const bytes: Record<string, Buffer> = {};
  const names: string[] = [];
  for (let index = 0; index < values.length; index += 2) {
    const name = String(values[index]);
    names.push(name);
    bytes[name] = values[index + 1] ?? Buffer.alloc(0);
  }
  return { id, stream, bytes, names, text: Object.fromEntries(Object.entries(bytes).map(([name, value]) => [name, value.toString()])) };
}

/** Everything in a stream, without a consumer. */
export async function allIn(client: Redis, stream = 'connectionevents'): Promise<StreamEntry[]> {
  const rows = (await client.callBuffer('XRANGE', stream, '-', '+')) as [Buffer, Buffer[]][];
  return rows.map(([id, values]) => entryOf(String(id), stream, values));
}

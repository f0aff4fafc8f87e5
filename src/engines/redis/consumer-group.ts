import type { Redis } from 'ioredis';
import type { CommandEntry } from '../../wire/streams.ts';

export type ConsumerGroupOptions = {
  /** Of the stream. */
  readonly name: string;
  readonly group: string;
  readonly consumer: string;
  readonly claimAfterMs: number;
};

/** Commands that one read takes: few, so that a process which dies holds few up. */
const READ_COUNT = 8;
/** A command that so many have taken, and nobody has acknowledged, ends processes: it is not tried again. */
const MOST_DELIVERIES = 5;
/** Looks for what others left, within the time after which it counts as left. */
const LOOKS = 4;
/** A consumer that holds nothing and has not been heard of for so many of those times is forgotten. */
const FORGET_AFTER = 10;

export type Delivered = CommandEntry & {
  /** How often it was handed to a consumer. */
  readonly deliveries: number;
};

/** This process's place in a consumer group of a Redis stream. */
export class ConsumerGroup {
  readonly #client: Redis;
  readonly #options: ConsumerGroupOptions;
  #lookAt = 0;
  #looks = 0;

  constructor(client: Redis, options: ConsumerGroupOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** Makes stream and group where they are not, from the first command on. */
  async prepare(): Promise<void> {
    const { name, group } = this.#options;
    await this.#client.call('XGROUP', 'CREATE', name, group, '0', 'MKSTREAM').catch((error: Error) => {
      if (!error.message.startsWith('BUSYGROUP')) throw error;
    });
  }

  async read(blockMs: number): Promise<readonly Delivered[]> {
    const { name, group, consumer, claimAfterMs } = this.#options;
    const untilLookMs = Math.max(1, Math.min(blockMs, Math.ceil(this.#lookAt - performance.now()), claimAfterMs));
    const words = ['GROUP', group, consumer, 'COUNT', READ_COUNT, 'BLOCK', untilLookMs, 'STREAMS', name, '>'];
    const read = await this.#client.callBuffer('XREADGROUP', words);
    const [stream] = (read ?? []) as [[Buffer, unknown[]]?];
    return entriesIn(stream?.[1] ?? []).map((entry) => ({ ...entry, deliveries: 1 }));
  }

  /** What a consumer has held for too long without acknowledging it is this one's now. Looks now and then. */
  async claim(): Promise<readonly Delivered[]> {
    if (performance.now() < this.#lookAt) return [];
    const { name, group, consumer, claimAfterMs } = this.#options;
    const words = [name, group, consumer, claimAfterMs, '0', 'COUNT', READ_COUNT];
    const [, entries] = (await this.#client.callBuffer('XAUTOCLAIM', words)) as [Buffer, unknown[]];
    const claimed = await Promise.all(
      entriesIn(entries).map(async (entry) => ({ ...entry, deliveries: await this.#deliveriesOf(entry.id) })),
    );
    if (claimed.length > 0) return claimed; // there may be more
    this.#lookAt = performance.now() + claimAfterMs / LOOKS;
    this.#looks += 1;
    if (this.#looks % (LOOKS * FORGET_AFTER) === 1) await this.#forgetTheDead();
    return [];
  }

  /** It is done with, and leaves the stream: commands are a queue, not a log. */
  async acknowledge(id: string): Promise<void> {
    const { name, group } = this.#options;
    await Promise.all([this.#client.call('XACK', name, group, id), this.#client.call('XDEL', name, id)]);
  }

  /** Why a command must not be tried (again), or null. */
  problemOf({ fields, deliveries }: Delivered): string | null {
    if (deliveries > MOST_DELIVERIES) return `it was taken ${deliveries - 1} times and never acknowledged: whoever takes it seems to die`;
    return fields.size === 0 ? 'it has no fields' : null;
  }

  async #deliveriesOf(id: string): Promise<number> {
    const { name, group } = this.#options;
    const [row] = (await this.#client.call('XPENDING', name, group, id, id, '1')) as [unknown[]?];
    return Number(row?.[3] ?? 1);
  }

  /** Every process has a name of its own, so the dead would become many. Where scripts are not allowed, they do. */
  async #forgetTheDead(): Promise<void> {
    const { name, group, consumer, claimAfterMs } = this.#options;
    await this.#client.call('EVAL', FORGET, '1', name, group, consumer, String(claimAfterMs * FORGET_AFTER)).catch(() => {});
  }
}

/** At once, because one that comes back meanwhile and takes a command would lose it. KEYS stream. ARGV group, own name, ms. */
const FORGET = `
for _, row in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local facts = {}
  for i = 1, #row, 2 do facts[row[i]] = row[i + 1] end
  if facts.pending == 0 and facts.idle > tonumber(ARGV[3]) and facts.name ~= ARGV[2] then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], facts.name)
  end
end`;

/** An entry that was deleted meanwhile has no fields. */
function entriesIn(rows: readonly unknown[]): CommandEntry[] {
  return rows.flatMap((row) => {
    if (!Array.isArray(row)) return [];
    const [id, values] = row as [Buffer, Buffer[] | null];
    const fields = new Map<string, Buffer>();
    for (let index = 0; index < (values?.length ?? 0); index += 2) fields.set(String(values?.[index]), values?.[index + 1] as Buffer);
    return [{ id: String(id), fields }];
  });
}

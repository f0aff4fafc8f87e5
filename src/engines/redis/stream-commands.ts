import type { Redis } from 'ioredis';
import type { CommandsTarget, StreamTarget } from '../../wire/stream-targets.ts';
import type { CommandEntry, CommandExecutor, CommandResult, CommandSource } from '../../wire/streams.ts';
import { reasonOf } from '../reason.ts';
import { readAddress } from './address.ts';
import { clientOptions } from './client-options.ts';
import { ConsumerGroup, type Delivered } from './consumer-group.ts';

const CONNECT_MS = 5_000;
const GOODBYE_MS = 100;
/** A read waits so long for new commands; what is beyond it by more than a margin hangs. */
const BLOCK_MS = 2_000;
const ANSWER_MS = BLOCK_MS + 5_000;
const PAUSE_MS = 500;

type Target = Extract<StreamTarget, { readonly technology: 'redis' }>;

/** Commands from a Redis stream, by a consumer group, over a connection of its own: a read that waits holds nobody up. */
export async function createRedisCommands(target: Target, consumer: string): Promise<CommandSource> {
  const { Redis } = await import('ioredis');
  const address = readAddress(target.url, null);
  if (typeof address === 'string') throw new Error(address);
  if (target.commands === null) throw new Error('the URL names no stream of commands');
  const client = new Redis({ ...clientOptions(address, CONNECT_MS), commandTimeout: ANSWER_MS, disconnectTimeout: GOODBYE_MS });
  return new RedisCommands(client, { ...target.commands, maxlen: target.maxlen, consumer });
}

type Options = CommandsTarget & { readonly maxlen: number; readonly consumer: string };

type Finished = { readonly entry: CommandEntry; readonly result: CommandResult };

class RedisCommands implements CommandSource {
  readonly #client: Redis;
  readonly #options: Options;
  readonly #group: ConsumerGroup;
  /** Carried out, and not told or not acknowledged, because the connection broke. */
  #unfinished: Finished | null = null;
  #isClosed = false;
  #isWaiting = false;
  #running: Promise<void> | null = null;
  #wake: () => void = () => {};

  constructor(client: Redis, options: Options) {
    this.#client = client;
    this.#options = options;
    this.#group = new ConsumerGroup(client, options);
  }

  start(executor: CommandExecutor): void {
    this.#client.on('error', (error: Error) => executor.trouble(reasonOf(error)));
    this.#client.connect().catch(() => {}); // it tries again, 'error' tells of it
    this.#running ??= this.#run(executor);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#wake();
    if (this.#isWaiting) this.#client.disconnect();
    await this.#running;
    this.#client.disconnect();
  }

  async #run(executor: CommandExecutor): Promise<void> {
    while (!this.#isClosed) {
      try {
        if (this.#client.status !== 'ready') {
          await this.#pause();
          continue;
        }
        await this.#group.prepare();
        while (!this.#isClosed) {
          await this.#round(executor);
          executor.trouble(null);
        }
      } catch (error) {
        if (this.#isClosed) return;
        executor.trouble(reasonOf(error as Error));
        const isAnswer = (error as Error).name === 'ReplyError';
        if (!isAnswer && this.#client.status === 'ready') this.#client.disconnect(true); // it hangs
        await this.#pause();
      }
    }
  }

  /** What others left comes before what is new. */
  async #round(executor: CommandExecutor): Promise<void> {
    if (this.#unfinished !== null) await this.#finish(this.#unfinished);
    const claimed = await this.#group.claim();
    for (const _entry of claimed) executor.claimed();
    if (claimed.length > 0) {
      await this.#work(claimed, executor);
      return;
    }
    this.#isWaiting = true;
    const fresh = await this.#group.read(BLOCK_MS).finally(() => (this.#isWaiting = false));
    await this.#work(fresh, executor);
  }

  /** One after the other. Those that this process has held for too long, because it stood still, are left: another may have taken them over. */
  async #work(entries: readonly Delivered[], executor: CommandExecutor): Promise<void> {
    const keepUntil = performance.now() + this.#options.claimAfterMs / 2;
    for (const entry of entries) {
      if (performance.now() > keepUntil) return;
      const reason = this.#group.problemOf(entry);
      const result: CommandResult = reason === null ? await executor.execute(entry) : { type: 'dead', reason };
      this.#unfinished = { entry, result };
      await this.#finish(this.#unfinished);
    }
  }

  async #finish({ entry, result }: Finished): Promise<void> {
    await this.#tell(entry, result).catch((error: unknown) => {
      if ((error as Error).name !== 'ReplyError') throw error; // what is called so is no stream: nobody can be told
    });
    await this.#group.acknowledge(entry.id);
    this.#unfinished = null;
  }

  async #tell({ id, fields }: CommandEntry, result: CommandResult): Promise<void> {
    if (result.type === 'dead')
      await this.#append(this.#options.deadLetters, [...[...fields].flat(), 'entry', id, 'reason', result.reason]);
    else if (result.replyTo !== null) await this.#append(result.replyTo, result.answer);
  }

  async #append(stream: string, fields: readonly (string | Buffer)[]): Promise<void> {
    const { maxlen } = this.#options;
    await this.#client.call('XADD', stream, ...(maxlen > 0 ? ['MAXLEN', '~', maxlen] : []), '*', ...fields);
  }

  async #pause(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, PAUSE_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

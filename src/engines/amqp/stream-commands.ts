import type { ChannelModel, ConfirmChannel, connect, ConsumeMessage } from 'amqplib';
import type { StreamTarget } from '../../wire/stream-targets.ts';
import type { CommandEntry, CommandExecutor, CommandResult, CommandSource } from '../../wire/streams.ts';
import { readAddress } from './address.ts';
import { KeptConnection } from './kept-connection.ts';
import { ensureQueue } from './queues.ts';

/** Commands that a process holds and has not acknowledged: few, so that one which dies holds few up. */
const PREFETCH = 8;

type Target = Extract<StreamTarget, { readonly technology: 'amqp' }>;
type Options = { readonly url: string; readonly queue: string; readonly deadLetters: string };

/** Commands from an AMQP queue: the broker hands what a dead consumer held to another. */
export async function createAmqpCommands({ url, commands }: Target): Promise<CommandSource> {
  const { connect: dial } = await import('amqplib');
  if (commands === null) throw new Error('the URL names no queue of commands');
  return new AmqpCommands(dial, { url, queue: commands.name, deadLetters: commands.deadLetters });
}

class AmqpCommands implements CommandSource {
  readonly #options: Options;
  readonly #connection: KeptConnection;
  #executor: CommandExecutor | null = null;
  #last: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(dial: typeof connect, options: Options) {
    this.#options = options;
    this.#connection = new KeptConnection({
      connect: dial,
      address: readAddress(options.url),
      prepare: (connection) => this.#prepare(connection),
      down: (because) => this.#executor?.trouble(because),
    });
  }

  start(executor: CommandExecutor): void {
    this.#executor = executor;
    this.#connection.open();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#last;
    await this.#connection.close();
  }

  async #prepare(connection: ChannelModel): Promise<void> {
    const { queue, deadLetters } = this.#options;
    await ensureQueue(connection, queue);
    await ensureQueue(connection, deadLetters);
    const channel = await connection.createConfirmChannel();
    channel.on('error', (error: Error) => this.#connection.reset(error.message));
    channel.on('close', () => this.#connection.reset('the channel was closed'));
    await channel.prefetch(PREFETCH);
    await channel.consume(queue, (message) => {
      if (message === null) this.#connection.reset('the queue was deleted');
      else this.#take(channel, message);
    });
    this.#executor?.trouble(null);
  }

  /** One after the other. What is left when this process closes, or loses its connection, the broker hands to another. */
  #take(channel: ConfirmChannel, message: ConsumeMessage): void {
    this.#last = this.#last.then(async () => {
      const executor = this.#executor;
      if (this.#isClosed || executor === null) return;
      if (message.fields.redelivered) executor.claimed();
      const entry = readEntry(message);
      const result: CommandResult = typeof entry === 'string' ? { type: 'dead', reason: entry } : await executor.execute(entry);
      await this.#tell(channel, message, result);
      channel.ack(message);
    });
    this.#last = this.#last.catch(() => {}); // the connection broke: it comes again
  }

  async #tell(channel: ConfirmChannel, message: ConsumeMessage, result: CommandResult): Promise<void> {
    const { messageId, contentType, correlationId, replyTo: asked } = message.properties as Properties;
    if (result.type === 'dead') {
      const headers = { reason: result.reason };
      await publish(channel, this.#options.deadLetters, {
        body: message.content,
        options: { headers, messageId, contentType, persistent: true },
      });
      return;
    }
    const replyTo = result.replyTo ?? asked;
    if (replyTo === undefined || replyTo === null || replyTo === '') return;
    const answer: Record<string, string> = {};
    for (let index = 0; index < result.answer.length; index += 2) answer[result.answer[index] ?? ''] = result.answer[index + 1] ?? '';
    const body = Buffer.from(JSON.stringify(answer));
    await publish(channel, replyTo, { body, options: { correlationId, contentType: 'application/json', persistent: true } });
  }
}

type Properties = {
  readonly messageId?: string;
  readonly contentType?: string;
  readonly correlationId?: string;
  readonly replyTo?: string;
};

/** To a queue, by the default exchange. */
function publish(
  channel: ConfirmChannel,
  queue: string,
  { body, options }: { readonly body: Buffer; readonly options: object },
): Promise<void> {
  return new Promise((resolve, reject) => {
    channel.publish('', queue, body, options, (error: Error | null) => (error === null ? resolve() : reject(error)));
  });
}

/** A JSON object of strings; a text says what is wrong. */
function readEntry({ content, properties }: ConsumeMessage): CommandEntry | string {
  let body: unknown;
  try {
    body = JSON.parse(content.toString());
  } catch {
    return 'it is no JSON';
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return 'it must be a JSON object of strings';
  const fields = new Map<string, Buffer>();
  const given = body as Readonly<Record<string, unknown>>;
  for (const [name, value] of Object.entries(given)) {
    if (typeof value !== 'string') return `${JSON.stringify(name.slice(0, 40))} must be a string`;
    const encoding = name === 'message' && given['encoding'] === 'base64' ? 'base64' : 'utf8';
    fields.set(name, Buffer.from(value, encoding));
  }
  return { id: (properties as Properties).messageId ?? '', fields };
}

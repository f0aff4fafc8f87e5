import type { ChannelModel, ConfirmChannel, connect } from 'amqplib';
import type { Entry } from '../../wire/entries.ts';
import type { StreamTarget } from '../../wire/stream-targets.ts';
import type { Fate, LinkListener, Parcel, StreamLink } from '../../wire/streams.ts';
import { readAddress } from './address.ts';
import { KeptConnection } from './kept-connection.ts';
import { ensureQueue, onChannel } from './queues.ts';

type Target = Extract<StreamTarget, { readonly technology: 'amqp' }>;

/** Entries to a topic exchange, with publisher confirms. */
export async function createAmqpLink(target: Target): Promise<StreamLink> {
  const { connect: dial } = await import('amqplib');
  return new AmqpLink(dial, target);
}

class AmqpLink implements StreamLink {
  readonly #target: Target;
  readonly #connection: KeptConnection;
  #listener: LinkListener | null = null;
  #channel: ConfirmChannel | null = null;
  /** Event ids of entries that no queue takes; their confirms follow. */
  readonly #unroutable = new Set<string>();

  constructor(dial: typeof connect, target: Target) {
    this.#target = target;
    this.#connection = new KeptConnection({
      connect: dial,
      address: readAddress(target.url),
      prepare: (connection) => this.#prepare(connection),
      down: (because) => {
        this.#channel = null;
        this.#unroutable.clear();
        this.#listener?.down(because);
      },
    });
  }

  start(listener: LinkListener): void {
    this.#listener = listener;
    this.#connection.open();
  }

  send(parcels: readonly Parcel[]): void {
    const channel = this.#channel;
    for (const parcel of parcels) {
      if (channel === null) process.nextTick(() => parcel.settled(LOST));
      else this.#publish(channel, parcel);
    }
  }

  reset(because: string): void {
    this.#listener?.down(because); // nothing more goes out by a connection that is on its way out
    this.#connection.reset(because);
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  async #prepare(connection: ChannelModel): Promise<void> {
    const { exchange, queue } = this.#target;
    await onChannel(connection, (setup) => setup.assertExchange(exchange, 'topic', { durable: true }));
    if (queue !== null) {
      await ensureQueue(connection, queue);
      await onChannel(connection, (setup) => setup.bindQueue(queue, exchange, '#'));
    }
    const channel = await connection.createConfirmChannel();
    channel.on('error', (error: Error) => this.reset(error.message)); // the exchange was deleted, say: all is made anew
    channel.on('close', () => this.reset('the channel was closed'));
    channel.on('return', ({ properties }) => this.#unroutable.add(String(properties.messageId)));
    this.#channel = channel;
    this.#listener?.up();
  }

  #publish(channel: ConfirmChannel, parcel: Parcel): void {
    const { exchange, isMandatory: mandatory } = this.#target;
    const { name, entry } = parcel;
    const messageId = entry.eventId;
    const timestamp = Math.floor(Date.now() / 1_000);
    const options = { persistent: true, contentType: 'application/json', mandatory, messageId, timestamp };
    try {
      channel.publish(exchange, name, bodyOf(entry), options, (error: Error | null) => parcel.settled(this.#fateOf(error, messageId)));
    } catch {
      process.nextTick(() => parcel.settled(LOST)); // the channel has just been closed
    }
  }

  #fateOf(error: Error | null, messageId: string): Fate {
    if (error !== null) return error.message === 'message nacked' ? NACKED : LOST; // the other one is: channel closed
    return this.#unroutable.delete(messageId) ? UNROUTABLE : STORED;
  }
}

const STORED: Fate = { type: 'stored' };
const LOST: Fate = { type: 'lost' };
const NACKED: Fate = { type: 'declined', because: 'the broker rejected it: a queue is full, or broken' };
const UNROUTABLE: Fate = { type: 'declined', because: 'no queue of the exchange takes it' };

/** JSON of strings; what is no text as base64. */
function bodyOf({ fields, isBinary }: Entry): Buffer {
  const body: Record<string, string> = {};
  for (let index = 0; index < fields.length; index += 2) {
    const value = fields[index + 1] ?? '';
    body[fields[index] as string] = typeof value === 'string' ? value : value.toString(isBinary ? 'base64' : 'utf8');
  }
  if (isBinary) body['encoding'] = 'base64';
  return Buffer.from(JSON.stringify(body));
}

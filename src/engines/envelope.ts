import type { Command, Outcome, Part, Query } from '../core/commands.ts';
import type { Message } from '../core/events.ts';
import { HEAD, ITEM, type WrittenItem } from './envelope-schemas.ts';

/**
 * What processes of a cluster tell each other. `n` names a question, its answer carries the same; a question that is read
 * after `until` (epoch ms on the engine's clock) is not carried out.
 */
export type Item =
  | { readonly kind: 'ask'; readonly n: number; readonly until: number; readonly command: Command }
  | { readonly kind: 'ask-all'; readonly n: number; readonly until: number; readonly query: Query }
  | { readonly kind: 'outcome'; readonly n: number; readonly outcome: Outcome }
  | { readonly kind: 'part'; readonly n: number; readonly part: Part | null }
  | { readonly kind: 'evict'; readonly id: string; readonly key: string }
  /** Told by who was away: somebody may not know yet that this newer connection has the id. */
  | { readonly kind: 'held'; readonly id: string; readonly key: string; readonly stamp: number }
  | { readonly kind: 'hello'; readonly node: string }
  | { readonly kind: 'bye' };

export type Envelope = {
  readonly from: string;
  readonly items: readonly Item[];
  /** Items that could not be understood and were left out. */
  readonly dropped: number;
};

/** One item as it is written: its JSON, and the bytes of its message. */
export type Written = { readonly json: string; readonly bytes: Buffer | null };

/** The first byte of every envelope, and the version of the form of what follows. */
const MARK = 0x57;
const VERSION = 1;
const HEAD_BYTES = 6;

export function writeItem(item: Item): Written {
  switch (item.kind) {
    case 'ask': {
      const { command } = item;
      if (command.type !== 'push') return { json: JSON.stringify(item), bytes: null };
      return { json: JSON.stringify({ ...item, command: { ...command, message: written(command.message) } }), bytes: command.message.data };
    }
    case 'ask-all': {
      const [query, bytes] = writeQuery(item.query);
      return { json: JSON.stringify({ ...item, query }), bytes };
    }
    case 'outcome':
    case 'part':
    case 'evict':
    case 'held':
    case 'hello':
    case 'bye':
      return { json: JSON.stringify(item), bytes: null };
  }
}

/** One envelope: mark, version, length of the JSON, the JSON, then the bytes of the messages in the order of their items. */
export function seal(from: string, items: readonly Written[]): Buffer {
  const json = Buffer.from(`{"from":${JSON.stringify(from)},"items":[${items.map((item) => item.json).join(',')}]}`);
  const head = Buffer.allocUnsafe(HEAD_BYTES);
  head.writeUInt8(MARK, 0);
  head.writeUInt8(VERSION, 1);
  head.writeUInt32BE(json.length, 2);
  return Buffer.concat([head, json, ...items.flatMap(({ bytes }) => (bytes === null ? [] : [bytes]))]);
}

/** Null where it is no envelope of ours, or of another version. Never throws, whatever the bytes are. */
export function open(envelope: Buffer): Envelope | null {
  if (envelope.length < HEAD_BYTES || envelope[0] !== MARK || envelope[1] !== VERSION) return null;
  const end = HEAD_BYTES + envelope.readUInt32BE(2);
  if (end > envelope.length) return null;
  let head: unknown;
  try {
    head = JSON.parse(envelope.toString('utf8', HEAD_BYTES, end));
  } catch {
    return null;
  }
  if (!HEAD.Check(head)) return null;
  const blobs = new Blobs(envelope.subarray(end));
  const items: Item[] = [];
  for (const item of head.items) {
    const read = ITEM.Check(item) ? readItem(item, blobs) : null;
    if (read === null) break; // whose the bytes behind it are is not known any more
    items.push(read);
  }
  return { from: head.from, items, dropped: head.items.length - items.length };
}

/** The bytes behind the JSON, taken in order. */
class Blobs {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Null where there are fewer. */
  take({ isBinary, bytes }: { readonly isBinary: boolean; readonly bytes: number }): Message | null {
    if (bytes > this.#bytes.length - this.#at) return null;
    this.#at += bytes;
    return { data: this.#bytes.subarray(this.#at - bytes, this.#at), isBinary };
  }
}

function written({ data, isBinary }: Message): { readonly isBinary: boolean; readonly bytes: number } {
  return { isBinary, bytes: data.length };
}

function writeQuery(query: Query): [unknown, Buffer | null] {
  switch (query.type) {
    case 'send':
      return [{ ...query, message: written(query.message) }, query.message.data];
    case 'close-all': {
      const { farewell, ...rest } = query;
      return [{ ...rest, message: farewell === null ? null : written(farewell) }, farewell?.data ?? null];
    }
    case 'list':
      return [{ ...query, limit: Number.isFinite(query.limit) ? query.limit : null }, null];
    case 'set-tags':
    case 'count':
    case 'tree':
    case 'search':
    case 'observe':
    case 'metrics':
      return [query, null];
  }
}

function readItem(item: WrittenItem, blobs: Blobs): Item | null {
  switch (item.kind) {
    case 'ask': {
      const { command } = item;
      if (command.type !== 'push') return { ...item, command };
      const message = blobs.take(command.message);
      return message === null ? null : { ...item, command: { ...command, message } };
    }
    case 'ask-all': {
      const query = readQuery(item.query, blobs);
      return query === null ? null : { ...item, query };
    }
    case 'outcome':
      return { ...item, outcome: item.outcome as Outcome };
    case 'part':
    case 'evict':
    case 'held':
    case 'hello':
    case 'bye':
      return item;
  }
}

function readQuery(query: Extract<WrittenItem, { kind: 'ask-all' }>['query'], blobs: Blobs): Query | null {
  switch (query.type) {
    case 'send': {
      const message = blobs.take(query.message);
      return message === null ? null : { ...query, message };
    }
    case 'close-all': {
      const { message, ...rest } = query;
      const farewell = message === null ? null : blobs.take(message);
      return message !== null && farewell === null ? null : { ...rest, farewell };
    }
    case 'list':
      return { ...query, limit: query.limit ?? Infinity };
    case 'set-tags':
    case 'count':
    case 'tree':
    case 'search':
    case 'observe':
    case 'metrics':
      return query;
  }
}

import type { Redis } from 'ioredis';
import type { StreamTarget } from '../../wire/stream-targets.ts';
import type { Fate, LinkListener, Parcel, StreamLink } from '../../wire/streams.ts';
import { reasonOf } from '../reason.ts';
import { readAddress } from './address.ts';
import { clientOptions } from './client-options.ts';

const CONNECT_MS = 5_000;
/** A server that hangs does not answer a goodbye: then its socket is dropped. */
const GOODBYE_MS = 100;

type Target = Extract<StreamTarget, { readonly technology: 'redis' }>;

/** Entries into Redis streams, pipelined. A rejection says what is wrong with the address. */
export async function createRedisLink({ url, maxlen }: Target): Promise<StreamLink> {
  const { Redis } = await import('ioredis');
  const address = readAddress(url, null);
  if (typeof address === 'string') throw new Error(address);
  return new RedisLink(new Redis({ ...clientOptions(address, CONNECT_MS), disconnectTimeout: GOODBYE_MS }), maxlen);
}

/** Entries of one script: it runs at once, and holds others up so long. */
const BATCH = 256;

/**
 * Several XADD in one command, since a client's work for a command is much more than that for an entry. KEYS: streams.
 * ARGV: MAXLEN or 0, then the entries as JSON, each the number of its stream and its words, then what is no text, in its
 * order: where a word is `false` the next of these stands. Answers with the number and the error of each that was not added.
 * Sent as a text, which no restart of Redis forgets.
 */
const APPEND = `
local failed, most, binary = {}, ARGV[1], 2
for number, entry in ipairs(cjson.decode(ARGV[2])) do
  for at = 2, #entry do
    if entry[at] == false then
      binary = binary + 1
      entry[at] = ARGV[binary]
    end
  end
  local key, added = KEYS[entry[1]]
  if most == '0' then added = redis.pcall('XADD', key, '*', unpack(entry, 2))
  else added = redis.pcall('XADD', key, 'MAXLEN', '~', most, '*', unpack(entry, 2)) end
  if type(added) == 'table' and added.err then
    failed[#failed + 1] = number - 1
    failed[#failed + 1] = added.err
  end
end
return failed`;

class RedisLink implements StreamLink {
  readonly #client: Redis;
  readonly #maxlen: string;
  #listener: LinkListener | null = null;
  #because = 'the connection was lost';

  constructor(client: Redis, maxlen: number) {
    this.#client = client;
    this.#maxlen = String(maxlen);
  }

  start(listener: LinkListener): void {
    this.#listener = listener;
    const client = this.#client;
    client.on('ready', () => listener.up());
    client.on('error', (error: Error) => {
      this.#because = reasonOf(error);
    });
    client.on('close', () => {
      listener.down(this.#because);
      this.#because = 'the connection was lost';
    });
    client.connect().catch(() => {}); // it tries again, 'close' tells of it
  }

  send(parcels: readonly Parcel[]): void {
    if (parcels.length <= BATCH) this.#append(parcels);
    else for (let start = 0; start < parcels.length; start += BATCH) this.#append(parcels.slice(start, start + BATCH));
  }

  #append(parcels: readonly Parcel[]): void {
    const streams = new Map<string, number>();
    const binaries: Buffer[] = [];
    const entries: Words[] = [];
    for (const { name, entry } of parcels) {
      let stream = streams.get(name);
      if (stream === undefined) streams.set(name, (stream = streams.size + 1));
      const words: Words = [stream];
      for (const word of entry.fields) {
        if (typeof word === 'string') words.push(word);
        else if (!entry.isBinary) words.push(word.toString());
        else {
          words.push(false);
          binaries.push(word);
        }
      }
      entries.push(words);
    }
    this.#client.call('EVAL', [APPEND, String(streams.size), ...streams.keys(), this.#maxlen, textOf(entries), ...binaries]).then(
      (failed) => this.#tell(parcels, failed as (number | string)[]),
      (error: Error) => {
        const fate: Fate = error.name === 'ReplyError' ? { type: 'declined', because: error.message } : LOST; // any other is no answer
        for (const parcel of parcels) parcel.settled(fate);
      },
    );
  }

  #tell(parcels: readonly Parcel[], failed: readonly (number | string)[]): void {
    let next = 0;
    for (const [index, parcel] of parcels.entries()) {
      if (failed[next] !== index) {
        parcel.settled(STORED);
        continue;
      }
      parcel.settled({ type: 'declined', because: String(failed[next + 1]) });
      next += 2;
    }
    if (String(failed[1]).startsWith('READONLY')) this.reset('it is a replica now'); // Sentinels know where the primary is
  }

  reset(because: string): void {
    this.#because = because;
    this.#listener?.down(because); // nothing more goes out by a connection that is on its way out
    this.#client.disconnect(true);
  }

  close(): Promise<void> {
    this.#client.disconnect();
    return Promise.resolve();
  }
}

type Words = (string | number | false)[];

/** JSON. Half of a surrogate pair, which Redis would not read, becomes U+FFFD, as it does where a text becomes bytes. */
function textOf(entries: readonly Words[]): string {
  const text = JSON.stringify(entries);
  if (!text.includes('\\ud')) return text; // so is the half of a pair written, and nothing else without another backslash before
  return JSON.stringify(entries.map((words) => words.map((word) => (typeof word === 'string' ? word.toWellFormed() : word))));
}

const STORED: Fate = { type: 'stored' };
const LOST: Fate = { type: 'lost' };

import type { LedgerEntry } from '../../core/ports.ts';
import { OWNER_LENGTH } from '../../core/ids.ts';
import type { Backbone, BackboneListener, BackboneOptions, Claim, ClaimVerdict, Member, Standing } from '../backbone.ts';
import { ENTRY } from '../envelope-schemas.ts';
import { readAddress } from './address.ts';
import { Connections } from './connections.ts';
import { Shards, type Shard } from './shards.ts';

/** A process that comes back later than this is not told that it was taken for dead. */
const FENCE_MS = 86_400_000;
const SCAN_COUNT = 1_000;
/** Redis takes 512 MB; more than this in one piece would hold up everybody else's messages. */
const MAX_BYTES = 64 * 1_024 * 1_024;

/** Pub/sub for the channels, hashes for leases, estates and claims; one primary, also behind Sentinel, or several. Valkey alike. */
export async function createRedisBackbone(options: BackboneOptions): Promise<Backbone> {
  const urls = options.url.split(/,(?=[a-z+]+:\/\/)/);
  const shards = await Promise.all(urls.map((url) => createShard({ ...options, url })));
  const [only] = shards;
  return shards.length === 1 && only !== undefined ? only : new Shards(shards);
}

async function createShard(options: BackboneOptions): Promise<Shard> {
  const { url, credentials, cluster, owner, node, leaseMs, timeoutMs } = options;
  const { Redis } = await import('ioredis');
  const address = readAddress(url, credentials);
  if (typeof address === 'string') throw new Error(address);
  const prefix = `${cluster}:`;
  const [members, estates, claims, all] = ['members', 'estates', 'claims', 'all'].map((name) => prefix + name) as [
    string,
    string,
    string,
    string,
  ];
  const inboxOf = (name: string): string => `${prefix}to:${name}`;
  const openIn = (estate: string): string => `${prefix}open:${estate}`;
  let listener: BackboneListener | null = null;
  const connections = new Connections({
    client: Redis,
    address,
    channels: [inboxOf(owner), all],
    timeoutMs,
    up: () => listener?.up(),
    down: (because) => listener?.down(because),
    received: (bytes) => listener?.received(bytes),
    refused: (because) => listener?.refused(because),
  });
  const { commands } = connections;

  return {
    maxBytes: MAX_BYTES,
    start(given) {
      listener = given;
      connections.open();
    },
    async join(estate) {
      return (await connections.run('join', [members, estates], [owner, node, estate, leaseMs])) as string[];
    },
    async renew(estate) {
      return readStanding(
        (await connections.run('renew', [members, estates, `${prefix}lost:${estate}`], [owner, node, estate, leaseMs])) as unknown[],
      );
    },
    async members() {
      return readMembers((await connections.run('members', [members], [])) as unknown[]);
    },
    async leave() {
      await connections.run('leave', [members, estates], [owner, prefix]);
    },
    async inherit() {
      return (await connections.run('inherit', [members, estates], [owner, prefix, FENCE_MS])) as string[];
    },
    async read(estate) {
      const found = new Map<string, LedgerEntry>(); // a scan may tell one twice
      let cursor = '0';
      do {
        const [next, fields] = await commands.hscan(openIn(estate), cursor, 'COUNT', SCAN_COUNT);
        cursor = next;
        for (let index = 1; index < fields.length; index += 2) {
          const entry = readEntry(fields[index] ?? '');
          if (entry !== null) found.set(entry.key, entry);
        }
      } while (cursor !== '0');
      return [...found.values()];
    },
    async write(estate, opened, forgotten) {
      const values = opened.flatMap((entry) => [entry.key, JSON.stringify(entry)]);
      const isOurs = await connections.run('write', [estates, openIn(estate)], [owner, estate, opened.length, ...values, ...forgotten]);
      return isOurs === 1;
    },
    async forfeit(estate) {
      await connections.run('forfeit', [estates], [owner, prefix, estate, FENCE_MS]);
    },
    async remove(estate) {
      await commands.unlink(openIn(estate));
      await commands.hdel(estates, estate);
    },
    async claim({ id, key, mayReplace, stamp }) {
      return readVerdict(
        (await connections.run('claim', [members, claims], [owner, id, key, mayReplace ? 1 : 0, stamp ?? ''])) as unknown[],
      );
    },
    async release({ id, key }: Claim) {
      await connections.run('release', [claims], [id, key]);
    },
    async locate(id) {
      return ((await connections.run('locate', [members, claims], [id, id.slice(0, OWNER_LENGTH)])) as string) || null;
    },
    send: async (to, bytes) => (await commands.publish(inboxOf(to), bytes)) > 0,
    async sendAll(bytes) {
      await commands.publish(all, bytes);
    },
    reset: (because) => connections.reset(because),
    close() {
      connections.close();
      return Promise.resolve();
    },
  };
}

function readStanding([type, now, isBereaved, ...names]: readonly unknown[]): Standing {
  if (type !== 'kept') return { type: type === 'lost' ? 'lost' : 'missing' };
  return { type, now: Number(now), members: readMembers(names), isBereaved: isBereaved === 1 };
}

function readMembers(names: readonly unknown[]): Member[] {
  const members: Member[] = [];
  for (let index = 0; index < names.length; index += 2) members.push({ owner: String(names[index]), node: String(names[index + 1]) });
  return members;
}

function readVerdict([isGranted, stamp, owner, key]: readonly unknown[]): ClaimVerdict {
  const other = typeof owner === 'string' && typeof key === 'string' ? { owner, key } : null;
  return { isGranted: isGranted === 1, stamp: Number(stamp), other };
}

function readEntry(json: string): LedgerEntry | null {
  try {
    const entry: unknown = JSON.parse(json);
    return ENTRY.Check(entry) ? entry : null;
  } catch {
    return null;
  }
}

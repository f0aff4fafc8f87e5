import type { Msg } from '@nats-io/transport-node';
import { OWNER_LENGTH } from '../../core/ids.ts';
import type { Backbone, BackboneListener, BackboneOptions } from '../backbone.ts';
import { Claims } from './claims.ts';
import { Connection } from './connection.ts';
import { Entries } from './entries.ts';
import { hasOrphans, inherit, isOwn, lives, livingIn, readTable, type Table } from './table.ts';
import { tries } from './tries.ts';

/** A process that comes back later than this is not told that it was taken for dead. */
const FENCE_MS = 86_400_000;
const NO_RESPONDERS = 503;
/** An answer that took longer says too little of the clock. */
const EXACT_MS = 100;

/** Core pub/sub for the channels, one JetStream key-value bucket for leases, estates and claims. */
export async function createNatsBackbone(options: BackboneOptions): Promise<Backbone> {
  const { url, credentials, cluster, owner, node, leaseMs, timeoutMs } = options;
  const [transport, jetstream, kv] = await Promise.all([
    import('@nats-io/transport-node'),
    import('@nats-io/jetstream'),
    import('@nats-io/kv'),
  ]);
  const inboxOf = (name: string): string => `${cluster}.to.${name}`;
  const all = `${cluster}.all`;
  const unheard = `${cluster}.unheard.${owner}`;
  let listener: BackboneListener | null = null;
  let offsetMs = Date.now() - performance.now();
  let hasClock = false;
  let known: Table = readTable('');
  let knownRevision = 0;
  let renewedAt = -Infinity;
  const now = (): number => Math.round(performance.now() + offsetMs);
  /** Envelopes whose fate is not known yet, and whether nobody heard them. */
  const posted = new Map<number, { isUnheard: boolean }>();
  let lastPost = 0;
  let flushing: Promise<void> | null = null;

  function received(message: Msg): void {
    if (!message.subject.startsWith(`${unheard}.`)) {
      listener?.received(Buffer.from(message.data.buffer, message.data.byteOffset, message.data.length));
      return;
    }
    const post = posted.get(Number(message.subject.slice(unheard.length + 1)));
    if (post !== undefined && message.headers?.code === NO_RESPONDERS) post.isUnheard = true;
  }

  const connection = new Connection({
    libraries: { transport, jetstream, kv },
    url,
    credentials,
    bucket: cluster,
    subjects: [inboxOf(owner), all, `${unheard}.*`],
    timeoutMs,
    received,
    up: () => {
      knownRevision = 0; // the server may have been emptied
      listener?.up();
    },
    down: (because) => listener?.down(because),
  });
  const entries = new Entries(connection, cluster);
  const claims = new Claims({
    connection,
    entries,
    owner,
    now,
    lives: async (other) => lives(known, other, now()) || lives(await readKnown(), other, now()),
  });

  async function readKnown(): Promise<Table> {
    const entry = await connection.session.kv.get('table');
    know(readTable(entry?.string() ?? ''), entry?.revision ?? 0);
    return known;
  }

  /** Answers may come in another order than they were given. */
  function know(table: Table, revision: number): void {
    if (revision < knownRevision) return;
    known = table;
    knownRevision = revision;
  }

  /** Sets the clock: the server writes down when it took a value. */
  async function setClock(): Promise<void> {
    const { kv: bucket } = connection.session;
    const sentAt = performance.now();
    await bucket.put(`clock.${owner}`, '');
    const tookMs = performance.now() - sentAt;
    if (tookMs > EXACT_MS && hasClock) return;
    const entry = await bucket.get(`clock.${owner}`);
    if (entry === null) return;
    offsetMs = entry.created.getTime() - (sentAt + tookMs / 2);
    hasClock = true;
  }

  /** All of the change or none of it. A change that says false is not written. */
  async function change<Result>(how: (table: Table) => Result): Promise<Result> {
    return tries(async () => {
      const { kv: bucket } = connection.session;
      const entry = await bucket.get('table');
      const table = readTable(entry?.string() ?? '');
      const result = how(table);
      if (result === false) return result;
      know(table, await bucket.put('table', JSON.stringify(table), { previousSeq: entry?.revision ?? 0 }));
      return result;
    });
  }

  function renewIn(table: Table): void {
    table.members[owner] = { ends: now() + leaseMs, node };
  }

  /** All that a turn of the loop has posted waits for one answer of the server. */
  function flushed(): Promise<void> {
    flushing ??= Promise.resolve().then(() => {
      flushing = null;
      return connection.session.nats.flush();
    });
    return flushing;
  }

  return {
    get maxBytes() {
      return connection.maxBytes;
    },
    start(given) {
      listener = given;
      connection.open();
    },
    async join(estate) {
      await setClock();
      return change((table) => {
        renewIn(table);
        table.estates[estate] = owner;
        return Object.keys(table.estates).filter((one) => table.estates[one] === owner && one !== estate && isOwn(one, owner));
      });
    },
    async renew(estate) {
      await setClock();
      const standing = await change((table) => {
        if (table.lost[estate] !== undefined || table.estates[estate] !== owner) return false;
        renewIn(table);
        return true;
      });
      if (!standing) return { type: (await readKnown()).lost[estate] === undefined ? 'missing' : 'lost' };
      renewedAt = performance.now();
      const members = livingIn(known, now()).map(([member, name]) => ({ owner: member, node: name }));
      return { type: 'kept', now: now(), members, isBereaved: hasOrphans(known, owner, now()) };
    },
    members: async () => livingIn(await readKnown(), now()).map(([member, name]) => ({ owner: member, node: name })),
    async leave() {
      const own = Object.keys((await readKnown()).estates).filter((estate) => known.estates[estate] === owner);
      const empty = await Promise.all(own.map(async (estate) => ((await entries.read(estate)).length === 0 ? estate : null)));
      await change((table) => {
        delete table.members[owner];
        for (const estate of empty) if (estate !== null) delete table.estates[estate];
        return true;
      });
      await entries.purge(`clock.${owner}`);
    },
    async inherit() {
      return change((table) => inherit(table, owner, { now: now(), fenceMs: FENCE_MS }));
    },
    read: (estate) => entries.read(estate),
    async write(estate, opened, forgotten) {
      if (performance.now() - renewedAt > leaseMs) await readKnown(); // this process was away: the estate may be another's
      if (known.estates[estate] !== owner) return false;
      await entries.write(estate, opened, forgotten);
      return true;
    },
    async remove(estate) {
      await entries.purge(`open.${estate}.>`);
      await change((table) => delete table.estates[estate]);
    },
    claim: (claim) => claims.take(claim),
    release: (claim) => claims.end(claim),
    async locate(id) {
      const prefix = id.slice(0, OWNER_LENGTH);
      const holder = await claims.holder(id);
      if (holder !== null) return holder;
      return lives(known, prefix, now()) || lives(await readKnown(), prefix, now()) ? prefix : null;
    },
    async send(to, bytes) {
      lastPost += 1;
      const number = lastPost;
      const post = { isUnheard: false };
      posted.set(number, post);
      try {
        connection.session.nats.publish(inboxOf(to), bytes, { reply: `${unheard}.${number}` });
        await flushed(); // that nobody heard it is told before this
        return !post.isUnheard;
      } finally {
        posted.delete(number);
      }
    },
    async sendAll(bytes) {
      connection.session.nats.publish(all, bytes);
      await flushed();
    },
    reset: (because) => connection.reset(because),
    close: () => connection.close(),
  };
}

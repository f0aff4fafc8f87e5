import { NOT_FOUND, type Answers, type Command, type Outcome, type Part, type Query } from '../core/commands.ts';
import { isGivenId, OWNER_LENGTH } from '../core/ids.ts';
import type { Bus, BusHandler, Log } from '../core/ports.ts';
import type { Backbone } from './backbone.ts';
import { ClusterClaims } from './cluster-claims.ts';
import { open, type Envelope, type Item } from './envelope.ts';
import { Garbage } from './garbage.ts';
import { Gatherings } from './gathering.ts';
import type { Membership } from './membership.ts';
import { Outbox, type Fate } from './outbox.ts';

export type ClusterBusOptions = {
  readonly backbone: Backbone;
  readonly membership: Membership;
  readonly node: string;
  readonly timeoutMs: number;
  readonly log: Log;
  /** Messages came that nobody could understand. */
  readonly garbageCame: (messages: number) => void;
};

/** The part of the time-out in which a command may still be carried out; the rest is for its answer, and for clocks that differ. */
const CARRIED_OUT = 0.8;
const AWAY: Outcome = { type: 'unavailable', detail: 'the cluster cannot be asked now; nothing was sent' };

/**
 * The bus over an engine: an inbox for each process, a channel for all. At most once; order is kept between two processes.
 * A command is carried out before its deadline or never. While the engine is away every answer comes at once.
 */
export class ClusterBus implements Bus {
  readonly #options: ClusterBusOptions;
  readonly #outbox: Outbox;
  readonly #claims: ClusterClaims;
  readonly #garbage: Garbage;
  readonly #commands: Gatherings<Outcome>;
  readonly #queries: Gatherings<Part>;
  /** Owner tokens whose place is being asked for, with the number of those commands. */
  readonly #sought = new Map<string, number>();
  #handler: BusHandler | null = null;
  #isClosed = false;

  constructor(options: ClusterBusOptions) {
    this.#options = options;
    const { backbone, membership } = options;
    this.#outbox = new Outbox({ backbone, owner: membership.owner, time: membership.time });
    this.#commands = new Gatherings(membership.time);
    this.#queries = new Gatherings(membership.time);
    this.#garbage = new Garbage(options.log, options.garbageCame);
    this.#claims = new ClusterClaims({
      ...options,
      evict: (owner, { id, key }) => this.#evict(owner, id, key),
      tellAll: (claim, stamp) => void this.#outbox.send(null, { kind: 'held', ...claim, stamp }),
    });
  }

  serve(handler: BusHandler): Promise<void> {
    this.#handler = handler;
    return Promise.resolve();
  }

  ask(command: Command): Promise<Outcome> {
    if (!this.#options.membership.isIn || this.#isClosed) return Promise.resolve(AWAY);
    const owner = command.id.slice(0, OWNER_LENGTH);
    const isKnown = isGivenId(command.id) && this.#options.membership.others.has(owner) && !this.#sought.has(owner); // one must not overtake another that still seeks its place
    return isKnown ? this.#askSome([owner], command) : this.#find(owner, command);
  }

  async askAll(query: Query): Promise<Answers> {
    const { membership, timeoutMs } = this.#options;
    const startedAt = membership.time.now();
    const isAsked = membership.isIn && !this.#isClosed && (await membership.meetAll());
    const { others } = membership;
    if (!isAsked) return { parts: [], unreachable: others.size === 0 ? ['*'] : namesOf(others.keys(), others) };
    const isOfNode = query.type === 'metrics'; // each node is asked for its own
    const names = new Map([...others].filter(([, node]) => !isOfNode || node === this.#options.node));
    const until = this.#deadline();
    const { answers, silent } = await this.#queries.ask({
      of: names.keys(),
      limitMs: timeoutMs - (membership.time.now() - startedAt),
      send: (n) => {
        for (const to of isOfNode ? names.keys() : names.size > 0 ? [null] : [])
          if (!this.#outbox.send(to, { kind: 'ask-all', n, until, query })) this.#queries.giveUp(n);
      },
    });
    return { parts: answers, unreachable: namesOf(silent, names) };
  }

  claim(id: string, key: string, mayReplace: boolean): Promise<boolean> {
    return this.#isClosed ? Promise.resolve(true) : this.#claims.take(id, key, mayReplace);
  }

  release(id: string, key: string): void {
    if (!this.#isClosed) this.#claims.end(id, key);
  }

  close(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    this.#isClosed = true;
    if (this.#options.membership.isIn) this.#outbox.send(null, { kind: 'bye' });
    this.#outbox.flush();
    this.#commands.giveUpAll();
    this.#queries.giveUpAll();
    return Promise.resolve();
  }

  /** This process is in the cluster, again perhaps. */
  async entered(node: string): Promise<void> {
    this.#outbox.send(null, { kind: 'hello', node });
    await this.#claims.restore();
  }

  disown(keys: ReadonlySet<string>): void {
    this.#handler?.disown(keys);
  }

  bereaved(): void {
    this.#handler?.bereaved();
  }

  received(bytes: Buffer): void {
    const envelope = open(bytes);
    if (envelope === null) this.#garbage.came(1, bytes.length);
    else if (envelope.from !== this.#options.membership.owner) this.#read(envelope, bytes.length);
  }

  #read({ from, items, dropped }: Envelope, bytes: number): void {
    if (dropped > 0) this.#garbage.came(dropped, bytes);
    for (const item of items) this.#take(from, item);
  }

  #take(from: string, item: Item): void {
    const { membership } = this.#options;
    switch (item.kind) {
      case 'ask':
        this.#execute(from, item);
        break;
      case 'ask-all':
        if (!membership.mayBeOver(item.until)) void this.#handler?.answer(item.query).then((part) => this.#tellPart(from, item.n, part));
        break;
      case 'outcome':
        this.#commands.answered(item.n, from, item.outcome);
        break;
      case 'part':
        this.#queries.answered(item.n, from, item.part);
        break;
      case 'evict':
        this.#handler?.evict(item.id, item.key);
        break;
      case 'held':
        this.#claims.heldElsewhere(item, item.stamp);
        break;
      case 'hello':
        membership.met(from, item.node);
        break;
      case 'bye':
        membership.gone(from);
        break;
    }
  }

  /** In the order of arrival. What comes after its deadline was answered already, and is not carried out. */
  #execute(from: string, { n, until, command }: Extract<Item, { kind: 'ask' }>): void {
    if (this.#options.membership.mayBeOver(until)) return;
    const outcome = this.#handler?.execute(command) ?? AWAY;
    void Promise.resolve(outcome).then((settled) => this.#outbox.send(from, { kind: 'outcome', n, outcome: settled }));
  }

  #tellPart(to: string, n: number, part: Part): void {
    if (this.#outbox.send(to, { kind: 'part', n, part })) return;
    this.#options.log.warn(
      { maxBytes: this.#options.backbone.maxBytes },
      'an answer was too large for the engine, the asking node lacks it',
    );
    this.#outbox.send(to, { kind: 'part', n, part: null });
  }

  #evict(owner: string, id: string, key: string): void {
    if (owner === this.#options.membership.owner) this.#handler?.evict(id, key);
    else this.#outbox.send(owner, { kind: 'evict', id, key });
  }

  #deadline(): number {
    const { membership, timeoutMs } = this.#options;
    return membership.deadline(timeoutMs * CARRIED_OUT);
  }

  /** The engine knows who has claimed the id, or that its owner lives. Questions for places keep their order, so commands do too. */
  async #find(owner: string, command: Command): Promise<Outcome> {
    const { backbone, membership, timeoutMs } = this.#options;
    let place: string | null;
    this.#sought.set(owner, (this.#sought.get(owner) ?? 0) + 1);
    try {
      place = await membership.within(timeoutMs, backbone.locate(command.id));
    } catch {
      return AWAY;
    } finally {
      const others = (this.#sought.get(owner) ?? 1) - 1;
      if (others === 0) this.#sought.delete(owner);
      else this.#sought.set(owner, others);
    }
    if (place === membership.owner) return NOT_FOUND; // who asks has looked at home already
    if (place !== null) return this.#askSome([place], command);
    // a client-chosen id is claimed when its client is let in; until then only the process that asks the backend knows it
    if (isGivenId(command.id)) return NOT_FOUND;
    return (await membership.meetAll()) ? this.#askSome([...membership.others.keys()], command) : AWAY;
  }

  async #askSome(owners: readonly string[], command: Command): Promise<Outcome> {
    const { timeoutMs, membership } = this.#options;
    const waitMs = command.type === 'rpc-call' ? (command.waitMs ?? 0) : 0;
    const fates = new Map<string, Fate | 'too-large'>();
    const names = new Map(membership.others);
    const until = this.#deadline();
    const { answers, silent } = await this.#commands.ask({
      of: owners,
      limitMs: timeoutMs + waitMs,
      isEnough: ({ type }) => type !== 'not-found',
      send: (n) => {
        for (const owner of owners) {
          const posted = this.#outbox.send(owner, { kind: 'ask', n, until, command }, (fate) => {
            fates.set(owner, fate);
            if (fate !== 'taken') this.#commands.answered(n, owner, FATED[owners.length === 1 ? 'one' : 'many'][fate]);
          });
          if (!posted) this.#commands.answered(n, owner, { type: 'too-long', maxBytes: this.#options.backbone.maxBytes });
        }
      },
    });
    const outcome = answers.find(({ type }) => type !== 'not-found');
    if (outcome !== undefined) return outcome;
    if (silent.length === 0) return NOT_FOUND;
    if (silent.every((owner) => !fates.has(owner))) return AWAY; // the engine hangs, and the deadline is over when it moves again
    return { type: 'timeout', detail: `node ${namesOf(silent, names).join(', ')} did not answer in time` };
  }
}

/** The outcome where an envelope did not arrive: nobody hears the inbox of a process whose lease still runs, or nobody knows. */
const FATED: { readonly [Many in 'one' | 'many']: { readonly [Of in Exclude<Fate, 'taken'>]: Outcome } } = {
  one: {
    nobody: { type: 'unavailable', detail: 'the node that holds this connection cannot be reached now; nothing was sent' },
    lost: { type: 'timeout', detail: 'the cluster was lost while the command was on its way' },
  },
  many: {
    nobody: NOT_FOUND,
    lost: { type: 'timeout', detail: 'the cluster was lost while the command was on its way' },
  },
};

function namesOf(owners: Iterable<string>, names: ReadonlyMap<string, string>): string[] {
  return [...new Set([...owners].map((owner) => names.get(owner) ?? owner))].toSorted();
}

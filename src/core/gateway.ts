import { CLOSE } from './close-codes.ts';
import { isUtf8 } from 'node:buffer';
import { Closings } from './closings.ts';
import {
  NOT_FOUND,
  NOT_TEXT,
  type Answers,
  type Command,
  type Dispatch,
  type Outcome,
  type OutcomeOf,
  type Part,
  type Query,
} from './commands.ts';
import { Connection, type ConnectionHost } from './connection.ts';
import { Connections } from './connections.ts';
import type { OpenEvent, OpenRequest, OpenVerdict, Refusal, TagChanges } from './events.ts';
import { connectionId } from './ids.ts';
import { Lane } from './lane.ts';
import type { Observer } from './observer.ts';
import { Party } from './party.ts';
import type { Bus, BusHandler, Clock, Ledger, LedgerEntry, Log } from './ports.ts';
import { busy, CLIENT_GONE, ID_IS_HELD, unusable } from './refusals.ts';
import type { Route } from './route.ts';
import { answerQuery, part } from './selections.ts';

export type GatewayOptions = {
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: Observer;
  readonly ledger: Ledger;
  readonly bus: Bus;
  readonly node: string;
  /** This process's part of the ids that it gives out. */
  readonly owner: string;
  /** `open` calls that run at once per backend, those that may wait for one, and how long. */
  readonly openConcurrency: number;
  readonly openQueue: number;
  readonly openQueueTimeoutMs: number;
  readonly closeConcurrency: number;
  readonly closeBacklog: number;
  /** Why nobody may come in now, or null: something that this gateway was told not to serve without is missing. */
  readonly whyClosed?: () => string | null;
  /** Makes this process's part of the answer to a query for metrics. */
  readonly metrics: (gauges: Gauges) => Promise<readonly unknown[]>;
  /** Finds the route that a ledger entry names. */
  readonly routeOf: (name: string) => Route | undefined;
};

/** What metrics show of the gateway at the moment. */
export type Gauges = { readonly connections: number; readonly closesPending: number; readonly draining: 0 | 1 };

export type Admission = { readonly connection: Connection; readonly verdict: Extract<OpenVerdict, { type: 'accepted' }> };

/** The use cases: open, dispatch, drain. Messages go straight from a socket to its `Connection`. */
export class Gateway implements ConnectionHost, BusHandler {
  readonly connections = new Connections();
  readonly closings: Closings;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: Observer;
  readonly node: string;
  readonly owner: string;
  /** Clients that a push found too slow, with the time of that push. The heartbeat ends them or takes them out. */
  readonly slowClients = new Map<Connection, number>();
  readonly #options: GatewayOptions;
  readonly #lanes = new Map<string, Lane>();
  readonly #leaving = new Set<Connection>();
  readonly #disowned = new Set<Connection>();
  readonly #emptyWaiters: (() => void)[] = [];
  #opening = 0;
  #queued = 0;
  #serial = 0;
  #phase: 'serving' | 'unready' | 'draining' = 'serving';

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.clock = options.clock;
    this.log = options.log;
    this.observer = options.observer;
    this.node = options.node;
    this.owner = options.owner;
    this.closings = new Closings({ ...options, concurrency: options.closeConcurrency, backlog: options.closeBacklog });
  }

  /**
   * Asks the backend whether a client may come in. Accepted, the caller owes the connection one `attach`, or one
   * `ended` where the upgrade cannot be done any more (then the backend is told: it had accepted).
   * `isGone` is asked when a place in the queue comes up: a client that left while waiting costs the backend nothing.
   */
  async open(route: Route, request: OpenRequest, isGone: () => boolean): Promise<Admission | Refusal> {
    const because = this.#options.whyClosed?.() ?? null;
    if (because !== null) return this.#refuse(busy(because));
    const lane = this.#lane(route.backendName);
    this.#opening += 1;
    try {
      this.#queued += 1;
      const refusal = await lane.enter(this.#options.openQueueTimeoutMs);
      this.#queued -= 1;
      if (refusal !== null)
        return this.#refuse(busy(refusal === 'full' ? 'too many clients wait to be let in' : 'the client waited too long to be let in'));
      try {
        if (isGone()) return this.#refuse(CLIENT_GONE);
        if (this.isDraining) return this.#refuse(busy('this gateway is shutting down'));
        return await this.#ask(route, request);
      } finally {
        lane.leave();
      }
    } finally {
      this.#opening -= 1;
      this.#checkEmpty();
    }
  }

  async #ask(route: Route, request: OpenRequest): Promise<Admission | Refusal> {
    const key = connectionId(this.owner);
    const connection = new Connection(this, route, { id: request.clientId ?? key, key, request });
    if (request.clientId !== null && route.duplicateId === 'oldest' && (await this.#isHeld(connection.id))) return this.#refuse(ID_IS_HELD);
    this.connections.add(connection);
    const event: OpenEvent = { type: 'open', party: connection.party, request };
    await this.#options.ledger.opened(ledgerEntry(connection));
    const verdict = await route.backend.open(event, this.clock.now() + route.limits.openTimeoutMs);
    if (verdict.type === 'refused') return this.#turnAway(connection, verdict);
    const problem = this.connections.setTags(connection, [...request.tags, ...(verdict.tags ?? [])]);
    if (problem !== null) return this.#turnAway(connection, unusable(problem));
    connection.admitted(verdict.data, verdict.subprotocol ?? request.subprotocol);
    if (request.clientId !== null && !(await this.#takeId(connection)))
      return this.#turnAway(connection, { ...ID_IS_HELD, wasAccepted: true });
    if (connection.tags !== null || verdict.data !== null) await this.#options.ledger.opened(ledgerEntry(connection));
    this.observer.opened(connection.party);
    return { connection, verdict };
  }

  #turnAway(connection: Connection, refusal: Refusal): Refusal {
    connection.refused();
    if (this.#disowned.delete(connection)) this.#options.ledger.forget(connection.key);
    else if (refusal.wasAccepted) this.#tellClose(connection, CLOSE.ABNORMAL, refusal.message);
    else this.#options.ledger.forget(connection.key);
    return this.#refuse(refusal);
  }

  async #isHeld(id: string): Promise<boolean> {
    const outcome = await this.dispatch({ type: 'describe', id });
    return outcome.type === 'described';
  }

  /** The accepted connection gets its client-chosen id; an older holder, here or in another process, is closed with 4409. */
  async #takeId(connection: Connection): Promise<boolean> {
    const mayReplace = connection.route.duplicateId === 'newest';
    if (!mayReplace && this.connections.find(connection.id) !== connection) return false;
    if (!(await this.#options.bus.claim(connection.id, connection.key, mayReplace))) return false;
    this.connections.take(connection)?.close(CLOSE.DUPLICATE_ID, 'replaced by a newer connection');
    return true;
  }

  /** Does a command here, or hands it to the process that owns the connection. Synchronous where it can be. */
  readonly dispatch: Dispatch = <Type extends Command['type']>(command: Extract<Command, { type: Type }>) =>
    this.#dispatch(command) as OutcomeOf<Type> | Promise<OutcomeOf<Type>>;

  #dispatch(command: Command): Outcome | Promise<Outcome> {
    const connection = this.connections.find(command.id);
    if (connection !== undefined) return this.#execute(connection, command);
    if (command.id.startsWith(this.owner)) return NOT_FOUND;
    return this.#options.bus.ask(command) ?? NOT_FOUND;
  }

  /** The bus calls this: another process has a command for a connection here, or for nobody. */
  execute(command: Command): Outcome | Promise<Outcome> {
    const connection = this.connections.find(command.id);
    return connection === undefined ? NOT_FOUND : this.#execute(connection, command);
  }

  /** Asks this process and all others; who does not answer in time is named. */
  async query(query: Query): Promise<Answers> {
    const [own, others] = await Promise.all([this.answer(query), this.#options.bus.askAll(query)]);
    return { parts: [own, ...others.parts], unreachable: others.unreachable };
  }

  /** The bus calls this: another process asks for this process's part of an answer. */
  async answer(query: Query): Promise<Part> {
    if (query.type === 'metrics') return { ...part(this, {}), metrics: await this.#options.metrics(this.#gauges) };
    return answerQuery(this, query);
  }

  /** The bus calls this: a newer connection took this id in another process. */
  evict(id: string, key: string): void {
    for (const connection of this.connections) {
      if (connection.key === key && connection.id === id) connection.close(CLOSE.DUPLICATE_ID, 'replaced by a newer connection');
    }
  }

  /** The bus calls this, and so does the start: the ends of connections whose process died are told (G3). */
  bereaved(): void {
    this.#options.ledger.orphans().then(
      (entries) => this.#tellOrphans(entries),
      (error: unknown) => this.log.error({ err: error }, 'the ledger could not be asked for orphans'),
    );
  }

  /** The bus calls this: others have told the ends of these connections, so they end here, and nothing more is told of them. */
  disown(keys: ReadonlySet<string>): void {
    for (const connection of this.connections) {
      if (!keys.has(connection.key)) continue;
      this.#disowned.add(connection);
      connection.disown();
    }
  }

  #execute(connection: Connection, command: Command): Outcome | Promise<Outcome> {
    switch (command.type) {
      case 'push':
        if (!command.message.isBinary && !isUtf8(command.message.data)) return NOT_TEXT;
        return connection.push(command.message, command.idempotencyKey);
      case 'close':
        return connection.close(command.code, command.reason);
      case 'describe':
        return { type: 'described', description: connection.describe() };
      case 'rpc-call':
      case 'rpc-send':
      case 'rpc-reject':
        return connection.command(command);
    }
  }

  #tellOrphans(entries: readonly LedgerEntry[]): void {
    if (entries.length > 0) this.log.warn({ orphans: entries.length }, 'telling the ends of connections whose process died');
    for (const entry of entries) {
      const route = this.#options.routeOf(entry.route);
      if (route === undefined) {
        this.log.error(
          { id: entry.id, route: entry.route },
          'a connection of a dead process was on a route that is no longer configured: its close event is not told',
        );
        continue;
      }
      this.observer.counted('orphansTold', 1);
      const tags = entry.tags === null ? null : new Map(Object.entries(entry.tags));
      const { id, key, path, data } = entry;
      const party = new Party({ id, key, path, tags, data, subprotocol: null, authorization: null, traceparent: null });
      this.closings.tell(route, { type: 'close', party, seq: null, code: CLOSE.ABNORMAL, reason: '', isOrphan: true });
    }
  }

  /** True once no client is let in any more. */
  get isDraining(): boolean {
    return this.#phase === 'draining';
  }

  /** False once balancers should send new clients elsewhere; they are let in until `stopOpening`. */
  get isReady(): boolean {
    return this.#phase === 'serving';
  }

  beUnready(): void {
    if (this.#phase === 'serving') this.#phase = 'unready';
  }

  /** From now on every client is refused with 503, also those that wait already. */
  stopOpening(): void {
    this.#phase = 'draining';
  }

  /** Clients that are in or wait to be let in. */
  get occupied(): number {
    return this.connections.size + this.#queued;
  }

  /** Connections that are open, opening, or have messages or a `close` event still to be delivered. */
  get unfinished(): number {
    return this.connections.size + this.#opening + this.#leaving.size + this.closings.pending;
  }

  /** Resolves when no connection is open or opening and every inbox is empty. */
  async empty(): Promise<void> {
    if (this.#isEmpty()) return;
    await new Promise<void>((resolve) => this.#emptyWaiters.push(resolve));
  }

  left(connection: Connection): void {
    this.connections.remove(connection);
    if (connection.id !== connection.key) this.#options.bus.release(connection.id, connection.key);
    this.slowClients.delete(connection);
    if (!connection.isIdle) this.#leaving.add(connection);
    this.#checkEmpty();
  }

  finished(connection: Connection): void {
    this.#leaving.delete(connection);
    if (this.#disowned.delete(connection)) this.#options.ledger.forget(connection.key);
    else this.#tellClose(connection, connection.closeCode, connection.closeReason);
    this.#checkEmpty();
  }

  #tellClose(connection: Connection, code: number, reason: string): void {
    this.closings.tell(connection.route, {
      type: 'close',
      party: connection.party,
      seq: connection.nextSeq,
      code,
      reason,
      isOrphan: false,
    });
  }

  nextSerial(): number {
    this.#serial += 1;
    return this.#serial;
  }

  setTags(connection: Connection, changes: TagChanges): string | null {
    return this.connections.setTags(connection, changes);
  }

  slow(connection: Connection): void {
    if (!this.slowClients.has(connection)) this.slowClients.set(connection, this.clock.now());
  }

  get #gauges(): Gauges {
    return { connections: this.connections.size, closesPending: this.closings.pending, draining: this.isDraining ? 1 : 0 };
  }

  #isEmpty(): boolean {
    return this.connections.size === 0 && this.#opening === 0 && this.#leaving.size === 0;
  }

  #checkEmpty(): void {
    if (this.#emptyWaiters.length > 0 && this.#isEmpty()) for (const resolve of this.#emptyWaiters.splice(0)) resolve();
  }

  #lane(backend: string): Lane {
    let lane = this.#lanes.get(backend);
    if (lane === undefined) {
      lane = new Lane({ clock: this.clock, concurrency: this.#options.openConcurrency, queueLimit: this.#options.openQueue });
      this.#lanes.set(backend, lane);
    }
    return lane;
  }

  #refuse(refusal: Refusal): Refusal {
    this.observer.refused(refusal);
    return refusal;
  }
}

function ledgerEntry(connection: Connection): LedgerEntry {
  const { key, id, path, data, tags } = connection.party;
  return { key, id, route: connection.route.name, path, data, tags: tags === null ? null : Object.fromEntries(tags) };
}

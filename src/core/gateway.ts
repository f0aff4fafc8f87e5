import { Admission, type AdmissionLimits } from './admission.ts';
import { type Census, censusOf } from './census.ts';
import { CLOSE } from './close-codes.ts';
import { Closings } from './closings.ts';
import { NOT_FOUND, type Answers, type Command, type Dispatch, type Outcome, type OutcomeOf, type Part, type Query } from './commands.ts';
import { Connection, type ConnectionHost } from './connection.ts';
import { Connections } from './connections.ts';
import type { CloseEvent, OpenEvent, OpenRequest, OpenVerdict, Refusal, TagChanges } from './events.ts';
import { connectionId } from './ids.ts';
import { ShortIds } from './short-ids.ts';
import { Lane, type LaneRefusal } from './lane.ts';
import { tellLife } from './life.ts';
import type { Attempt, Observer } from './observer.ts';
import { tellOrphans } from './orphans.ts';
import { eventIdsOf } from './party.ts';
import type { Bus, BusHandler, Clock, Ledger, LedgerEntry, Log } from './ports.ts';
import { execute, executeByChosenId } from './executing.ts';
import { countPush } from './push-results.ts';
import { busy, CLIENT_GONE, ID_IS_HELD, SHUTTING_DOWN, unusable } from './refusals.ts';
import type { Route } from './route.ts';
import { Seldom } from './seldom.ts';
import { answerQuery, part } from './selections.ts';
import { standingOf, type Question, type Seen, type Standing } from './sightings.ts';

export type GatewayOptions = {
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: Observer;
  readonly ledger: Ledger;
  readonly bus: Bus;
  readonly node: string;
  /** This process's part of the ids that it gives out. */
  readonly owner: string;
  readonly limits: AdmissionLimits;
  /** `open` calls that run at once per backend, those that may wait for one, and how long. */
  readonly openConcurrency: number;
  readonly openQueue: number;
  readonly openQueueTimeoutMs: number;
  readonly closeConcurrency: number;
  readonly closeBacklog: number;
  /** Why nobody may come in now, or null: something that this gateway was told not to serve without is missing. */
  readonly whyClosed?: () => string | null;
  /** Makes this process's part of the answer to a query for metrics. */
  readonly metrics: (census: Census) => Promise<readonly unknown[]>;
  /** Answers those who watch, for this process. */
  readonly observe: (question: Question, standing: Standing) => Seen;
  /** Finds the route that a ledger entry names. */
  readonly routeOf: (name: string) => Route | undefined;
};

/** A client that the backend let in. */
export type Admitted = { readonly connection: Connection; readonly verdict: Extract<OpenVerdict, { type: 'accepted' }> };

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
  readonly #admission: Admission;
  readonly #complaints: Seldom;
  readonly #shortIds: ShortIds;
  #opening = 0;
  #serial = 0;
  #phase: 'serving' | 'unready' | 'draining' = 'serving';

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.clock = options.clock;
    this.log = options.log;
    this.observer = options.observer;
    this.node = options.node;
    this.owner = options.owner;
    this.#admission = new Admission(options.limits);
    this.#complaints = new Seldom(options.clock);
    this.#shortIds = new ShortIds(options.owner);
    this.closings = new Closings({ ...options, concurrency: options.closeConcurrency, backlog: options.closeBacklog });
  }

  /**
   * Asks the backend whether a client may come in. Accepted, the caller owes the connection one `attach`, or one
   * `ended` where the upgrade cannot be done any more (then the backend is told: it had accepted).
   * `isGone` is asked when a place in the queue comes up: a client that left while waiting costs the backend nothing.
   */
  async open(route: Route, request: OpenRequest, isGone: () => boolean): Promise<Admitted | Refusal> {
    const full = this.#closedBecause ?? this.#admission.enter(request.remoteAddress);
    const attempt = { route: route.name, request, askedAt: this.clock.now() };
    if (full !== null) return this.#refuse(full, attempt);
    this.#opening += 1;
    try {
      const lane = this.#lane(route.backendName);
      const place = lane.enter(this.#options.openQueueTimeoutMs);
      const late = place === null || typeof place === 'string' ? place : await place;
      if (late !== null) return this.#refuse(this.#giveBack(request, tooLate(late)), attempt);
      try {
        const decision = await this.#openInTurn(route, request, isGone);
        return 'type' in decision ? this.#refuse(decision, attempt) : decision;
      } finally {
        lane.leave();
      }
    } finally {
      this.#opening -= 1;
      this.#checkEmpty();
    }
  }

  get #closedBecause(): Refusal | null {
    if (this.isDraining) return SHUTTING_DOWN;
    const because = this.#options.whyClosed?.() ?? null;
    return because === null ? null : busy(because);
  }

  #openInTurn(route: Route, request: OpenRequest, isGone: () => boolean): Promise<Admitted | Refusal> | Refusal {
    if (isGone()) return this.#giveBack(request, CLIENT_GONE);
    return this.isDraining ? this.#giveBack(request, SHUTTING_DOWN) : this.#ask(route, request);
  }

  async #ask(route: Route, request: OpenRequest): Promise<Admitted | Refusal> {
    const key = route.idForm === 'short' ? this.#shortIds.next() : connectionId(this.owner);
    const connection = new Connection(this, route, { id: request.clientId ?? key, key, request });
    if (request.clientId !== null && route.duplicateId === 'oldest' && (await this.#isHeld(connection.address)))
      return this.#giveBack(request, ID_IS_HELD);
    this.connections.add(connection); // from here on `left` gives the place back
    const event: OpenEvent = { type: 'open', party: connection.party, request };
    const noted = this.#options.ledger.opened(ledgerEntry(connection));
    if (noted !== undefined) await noted;
    const askedAt = this.clock.now();
    const verdict = await route.backend.open(event, askedAt + route.limits.openTimeoutMs);
    if (verdict.type === 'refused') return this.#turnAway(connection, verdict);
    const tags = verdict.tags === null ? request.tags : [...request.tags, ...verdict.tags];
    const problem = tags.length === 0 ? null : this.connections.setTags(connection, tags);
    if (problem !== null) return this.#turnAway(connection, unusable(problem));
    connection.admitted(verdict.data, verdict.subprotocol ?? request.subprotocol);
    if (request.clientId !== null && !(await this.#takeId(connection)))
      return this.#turnAway(connection, { ...ID_IS_HELD, wasAccepted: true });
    if (connection.tags !== null || verdict.data !== null) await this.#options.ledger.opened(ledgerEntry(connection));
    this.observer.opened(connection.party, askedAt, request);
    return { connection, verdict };
  }

  /** Refused before there was a connection. */
  #giveBack(request: OpenRequest, refusal: Refusal): Refusal {
    this.#admission.leave(request.remoteAddress);
    return refusal;
  }

  #turnAway(connection: Connection, refusal: Refusal): Refusal {
    connection.refused();
    if (refusal.failure !== undefined) this.#complain(connection, refusal.failure.because);
    if (this.#disowned.delete(connection)) this.#options.ledger.forget(connection.key);
    else if (refusal.wasAccepted) this.#tellClose(connection, { code: CLOSE.ABNORMAL, reason: refusal.endReason ?? refusal.message });
    else this.#options.ledger.forget(connection.key);
    return refusal;
  }

  /** An outage refuses thousands: a few lines a second tell of it. */
  #complain({ route, party }: Connection, because: string): void {
    const missed = this.#complaints.missed();
    if (missed === null) return;
    const facts = { ...eventIdsOf(party, 0), path: party.path, backend: route.backendName, because, ...(missed > 0 && { missed }) };
    this.log.warn(facts, 'a client could not be let in: the backend gave no usable answer');
  }

  async #isHeld(address: string): Promise<boolean> {
    if (this.connections.find(address) !== undefined) return true;
    const outcome = await this.#options.bus.ask({ type: 'describe', id: address, onlyHolder: true });
    return outcome?.type === 'described';
  }

  /** The accepted connection gets its client-chosen id; an older holder, here or in another process, is closed with 4409. */
  async #takeId(connection: Connection): Promise<boolean> {
    const mayReplace = connection.route.duplicateId === 'newest';
    if (!mayReplace && this.connections.find(connection.address) !== undefined) return false;
    if (!(await this.#options.bus.claim(connection.address, connection.key, mayReplace))) return false;
    this.connections.take(connection)?.close(CLOSE.DUPLICATE_ID, 'replaced by a newer connection');
    return true;
  }

  /** Does a command here, or hands it to the process that owns the connection. Synchronous where it can be. */
  readonly dispatch: Dispatch = <Type extends Command['type']>(command: Extract<Command, { type: Type }>) =>
    countPush(this.observer, command, this.#dispatch(command)) as OutcomeOf<Type> | Promise<OutcomeOf<Type>>;

  #dispatch(command: Command): Outcome | Promise<Outcome> {
    const here = this.execute(command);
    const isHeldHere = this.connections.find(command.id) !== undefined && here !== NOT_FOUND; // whose holder is being closed may have another elsewhere
    if (command.id.startsWith(this.owner) || isHeldHere) return here;
    const asked = this.#options.bus.ask(command);
    if (asked === null) return here;
    // somebody here may only be asked about, and the holder be elsewhere
    return asked.then((there) => (there.type === 'sent' || there.type === 'described' || here === NOT_FOUND ? there : here));
  }

  /** Does a command here. The bus calls this, too: another process has one for a connection here, or for nobody. */
  execute(command: Command): Outcome | Promise<Outcome> {
    const holder = this.connections.find(command.id);
    if (holder !== undefined && holder.id === holder.key) return execute(holder, command);
    return executeByChosenId(holder, this.connections.pending(command.id), command);
  }

  /** Asks this process and all others; who does not answer in time is named. */
  async query(query: Query): Promise<Answers> {
    const [own, others] = await Promise.all([this.answer(query), this.#options.bus.askAll(query)]);
    return { parts: [own, ...others.parts], unreachable: others.unreachable };
  }

  /** The bus calls this: another process asks for this process's part of an answer. */
  async answer(query: Query): Promise<Part> {
    if (query.type === 'observe') return { ...part(this, {}), seen: this.#options.observe(query.question, standingOf(this)) };
    if (query.type === 'metrics') return { ...part(this, {}), metrics: await this.#options.metrics(await censusOf(this, this.#leaving)) };
    return answerQuery(this, query);
  }

  /** The bus calls this: a newer connection took the id of this address in another process. */
  evict(address: string, key: string): void {
    for (const connection of this.connections) {
      if (connection.key === key && connection.address === address) connection.close(CLOSE.DUPLICATE_ID, 'replaced by a newer connection');
    }
  }

  /** The bus calls this, and so does the start: the ends of connections whose process died are told (G3). */
  bereaved(): void {
    this.#options.ledger.orphans().then(
      (entries) => tellOrphans(entries, { ...this.#options, closings: this.closings }),
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

  /** Clients that are in, or ask to be let in. */
  get occupied(): number {
    return this.#admission.taken;
  }

  /** Places that clients of this address have taken. */
  placesOf(address: string): number {
    return this.#admission.takenBy(address);
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
    if (connection.closer !== null) tellLife(this.log, connection, this.clock.date()); // else it was refused
    if (this.connections.remove(connection)) this.#admission.leave(connection.remoteAddress);
    if (connection.id !== connection.key) this.#options.bus.release(connection.address, connection.key);
    this.slowClients.delete(connection);
    if (!connection.intake.isIdle) this.#leaving.add(connection);
    this.#checkEmpty();
  }

  finished(connection: Connection): void {
    this.#leaving.delete(connection);
    if (this.#disowned.delete(connection)) this.#options.ledger.forget(connection.key);
    else this.#tellClose(connection, { code: connection.closeCode, reason: connection.closeReason, by: connection.closer ?? 'gateway' });
    this.#checkEmpty();
  }

  #tellClose(connection: Connection, { code, reason, by = 'gateway' }: Pick<CloseEvent, 'code' | 'reason' | 'by'>): void {
    const { route, party, nextSeq: seq, remoteAddress, connectedAt } = connection;
    this.closings.tell(route, { type: 'close', party, seq, code, reason, isOrphan: false, by }, { remoteAddress, connectedAt });
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

  #refuse(refusal: Refusal, attempt: Attempt): Refusal {
    this.observer.refused(refusal, attempt);
    return refusal;
  }
}

function tooLate(why: LaneRefusal): Refusal {
  return busy(why === 'full' ? 'too many clients wait to be let in' : 'the client waited too long to be let in');
}

function ledgerEntry({ party: { key, id, route, path, data, tags } }: Connection): LedgerEntry {
  return { key, id, route, path, data, tags: tags === null ? null : Object.fromEntries(tags) };
}

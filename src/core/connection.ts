import { CLOSE, type OwnCloseCode } from './close-codes.ts';
import { addressOf } from './address.ts';
import { AnsweredKeys } from './answered-keys.ts';
import { CLOSING, NOT_FOUND, QUEUED, SENT } from './commands.ts';
import type { CloseOutcome, Description, Failure, PushOutcome, RpcOutcome } from './commands.ts';
import { describe } from './describing.ts';
import { Early } from './early.ts';
import type { Closer, Message, MessageEvent, OpenRequest, OpenVerdict, TagChanges } from './events.ts';
import type { Intake, IntakeClient, IntakeHost } from './intake.ts';
import type { RpcCommand } from './rpc.ts';
import { paceOf, type Pace } from './pace.ts';
import { idsOf, Party } from './party.ts';
import type { Socket } from './ports.ts';
import type { Reach } from './reach.ts';
import type { Route } from './route.ts';
import { Unsent } from './unsent.ts';

export type ConnectionState = 'connecting' | 'open' | 'closing' | 'closed';

/** What a connection needs from the gateway that holds it. */
export interface ConnectionHost extends IntakeHost {
  readonly node: string;
  nextSerial(): number;
  /** Sets this connection's tags; says what is wrong and changes nothing, or returns null. */
  setTags(connection: Connection, changes: TagChanges): string | null;
  /** The client cannot be reached any more; it leaves the table at once. */
  left(connection: Connection): void;
  /** It has left and its inbox is empty: time for its `close` event. */
  finished(connection: Connection): void;
  /** A push was refused because the client reads too slowly; the heartbeat watches it from now on. */
  slow(connection: Connection): void;
}

/** Whose connection it is, and the request that it began with. */
export type ConnectionOrigin = { readonly id: string; readonly key: string; readonly request: OpenRequest };

const SLOW: Failure = { type: 'slow', retryAfterMs: 1_000 };

/** One client. `connecting` while the backend is asked, `open`, `closing` after a close frame was sent, `closed`. */
export class Connection implements IntakeClient, Reach {
  readonly route: Route;
  /** What commands and other processes call it. */
  readonly address: string;
  readonly remoteAddress: string;
  /** Epoch ms. */
  readonly connectedAt: number;
  /** Counts this process's connections; a place in the list of all. */
  readonly serial: number;
  state: ConnectionState = 'connecting';
  /** Of `Clock.now`. */
  lastActiveAt: number;
  /** The same in epoch ms. */
  lastActiveDate: number;
  /** When the heartbeat sent a ping that nothing has answered yet, else 0. */
  pingedAt = 0;
  seenBytes = 0;
  /** Messages either way; how many of them the heartbeat saw, and since when (of `Clock.now`) there were no more. */
  messages = 0;
  seenMessages = -1;
  quietSince = 0;
  /** How it ended, once it has; of `terminate` already before. */
  closeCode = 0;
  closeReason = '';
  /** Who ended it, or will have; null while nobody does. */
  closer: Closer | null = null;
  readonly #host: ConnectionHost;
  readonly #intake: Intake;
  #party: Party;
  #socket: Socket | null = null;
  #early: Early | null = null;
  #answered: AnsweredKeys | null = null;
  #lastSeq = 0;
  sentMessages = 0;
  /** What it sends from now on is dropped. */
  #isDeaf = false;
  #pauses = 0;
  readonly pace: Pace | null;
  readonly #unsent: Unsent | null;

  constructor(host: ConnectionHost, route: Route, { id, key, request }: ConnectionOrigin) {
    this.#host = host;
    this.route = route;
    this.address = id === key ? id : addressOf(route.namespace, id);
    const { path, authorization, traceparent, tracestate = null, subprotocol, data } = request;
    const asked = { path, authorization, traceparent, tracestate, subprotocol, data };
    this.remoteAddress = request.remoteAddress;
    const companion = route.companion?.(this, request) ?? null;
    this.#party = new Party({ ...asked, id, key, route: route.name, tags: null, companion });
    this.#unsent = companion?.hearsDrained ? new Unsent(companion, route.limits.sendBufferBytes / 2) : null;
    this.serial = host.nextSerial();
    this.connectedAt = host.clock.date();
    this.lastActiveDate = this.connectedAt;
    this.lastActiveAt = host.clock.now();
    this.#intake = route.intake(this, host);
    this.pace = paceOf(this, host.clock, route.limits);
  }

  /** What events say of this client. Another one after each change of what they say. */
  get party(): Party {
    return this.#party;
  }

  get id(): string {
    return this.#party.id;
  }

  /** Of the id that its client chose; of one that the gateway gave it says nothing. */
  get namespace(): string {
    return this.route.namespace;
  }

  get key(): string {
    return this.#party.key;
  }

  get tags(): ReadonlyMap<string, string> | null {
    return this.#party.tags;
  }

  get nextSeq(): number {
    return this.#lastSeq + 1;
  }

  get isOpen(): boolean {
    return this.state === 'open' && this.#socket?.isOpen === true;
  }

  get bufferedBytes(): number {
    return this.#socket?.bufferedBytes ?? 0;
  }

  get receivedBytes(): number {
    return this.#socket?.receivedBytes ?? 0;
  }

  get intake(): Pick<Intake, 'undelivered' | 'isHolding' | 'isIdle'> {
    return this.#intake;
  }

  /** The upgrade is done: the verdict's own message, then early pushes in order, then an early close (G6). */
  attach(socket: Socket, verdict: Extract<OpenVerdict, { type: 'accepted' }>): void {
    this.#socket = socket;
    this.state = 'open';
    this.alive();
    if (verdict.message !== null) this.#send(verdict.message);
    const early = this.#early;
    this.#early = null;
    for (const message of early?.pushes ?? []) this.#send(message);
    this.#intake.opened();
    if (early?.isGoodbye) this.sayGoodbye();
    if (early?.close) this.close(early.close.code, early.close.reason, early.close.by);
  }

  /** A whole message from the client, in order. Kept also while closing: it was sent before the client saw the close frame. */
  receive(data: Buffer, isBinary: boolean): void {
    if (this.state === 'closed' || this.#isDeaf) return;
    this.alive();
    // the socket itself knows only the largest limit of all routes
    if (data.length > this.route.limits.maxMessageBytes) return this.#closeDeaf(CLOSE.TOO_BIG, 'message too big');
    if (isBinary && !this.route.takesBinary) return this.#closeDeaf(CLOSE.UNSUPPORTED_DATA, 'no binary messages here');
    this.messages += 1;
    this.#lastSeq += 1;
    const event: MessageEvent = { type: 'message', party: this.#party, seq: this.#lastSeq, data, isBinary };
    this.#host.observer.received(event);
    this.pace?.took(data.length);
    this.#intake.received(event);
  }

  /** Any frame came. */
  alive(): void {
    const { clock } = this.#host;
    this.lastActiveAt = clock.now();
    this.lastActiveDate = clock.date();
    this.pingedAt = 0;
  }

  push(message: Message, idempotencyKey: string | null): PushOutcome {
    if (idempotencyKey === null) return this.#push(message);
    const now = this.#host.clock.now();
    this.#answered ??= new AnsweredKeys(this.route.limits.idempotencyKeys);
    return this.#answered.find(idempotencyKey, now) ?? this.#answered.remember(idempotencyKey, this.#push(message), now);
  }

  #push(message: Message): PushOutcome {
    const { limits } = this.route;
    const { length } = message.data;
    if (length > limits.maxMessageBytes) return this.#refuse({ type: 'too-long', maxBytes: limits.maxMessageBytes });
    switch (this.state) {
      case 'connecting':
        if (this.route.earlyPushes === 'refused' || this.#early?.close) return NOT_FOUND;
        this.#early ??= new Early();
        if (!this.#early.hasRoom(length, limits)) return this.#refuse(SLOW);
        this.#early.add(message);
        this.#host.observer.counted('pushesQueued', 1);
        return QUEUED;
      case 'open': {
        if (!this.isOpen) return NOT_FOUND; // the client's close frame is read, its end not reported yet
        if (this.bufferedBytes > 0 && this.bufferedBytes + length > limits.sendBufferBytes) {
          this.#host.slow(this);
          return this.#refuse(SLOW);
        }
        this.#send(message);
        return SENT;
      }
      case 'closing':
      case 'closed':
        return NOT_FOUND;
    }
  }

  /** The backend's answer to a message goes back to the client; a client too slow for it is ended, as nobody could repeat it. */
  reply(message: Message): void {
    const outcome = this.#push(message);
    if (outcome.type === 'sent' || outcome.type === 'not-found') return;
    this.#host.log.warn({ ...idsOf(this.#party), outcome: outcome.type }, 'a reply could not be sent, connection ends');
    this.close(outcome.type === 'slow' ? CLOSE.TRY_AGAIN_LATER : CLOSE.TOO_BIG, `reply ${outcome.type}`);
  }

  /** Starts the closing handshake, or remembers to once the connection is open. */
  close(code: number, reason: string, by: Closer = 'gateway'): CloseOutcome {
    switch (this.state) {
      case 'connecting':
        (this.#early ??= new Early()).close ??= { code, reason, by };
        return QUEUED;
      case 'open':
        this.state = 'closing';
        this.closer = by;
        this.#socket?.close(code, reason);
        return CLOSING;
      case 'closing':
      case 'closed':
        return NOT_FOUND;
    }
  }

  /** The gateway leaves: who is within this process may say a last word, to one that is still being let in when it is open. */
  sayGoodbye(): void {
    if (this.state === 'open') this.#party.companion?.leaving();
    else if (this.state === 'connecting') (this.#early ??= new Early()).isGoodbye ||= this.#early.close === null;
    this.close(CLOSE.GOING_AWAY, 'going away');
  }

  /** Another process has told its end: nothing more is read from it, and its client does well to come back. */
  disown(): void {
    this.#closeDeaf(CLOSE.GOING_AWAY, 'this gateway was taken for dead');
  }

  /** What comes behind a message that is refused would leave a gap (G2). */
  #closeDeaf(code: OwnCloseCode, reason: string): void {
    this.#isDeaf = true;
    this.close(code, reason);
  }

  /** Ends it without a handshake; the `close` event will carry this code. */
  terminate(code: OwnCloseCode, reason: string): void {
    if (this.state === 'closed') return;
    if (this.state === 'connecting') return void this.close(CLOSE.GOING_AWAY, reason); // there is no socket yet that could be ended
    this.closeCode = code;
    this.closeReason = reason;
    this.closer ??= 'gateway';
    this.state = 'closing';
    this.#socket?.terminate();
  }

  ping(): void {
    this.#socket?.ping();
  }

  get isPaused(): boolean {
    return this.#pauses > 0;
  }

  /** Stops reading from the client; every `pause` is owed one `resume`. */
  pause(): void {
    this.#pauses += 1;
    if (this.#pauses === 1) this.#socket?.pause();
  }

  resume(): void {
    this.#pauses -= 1;
    if (this.#pauses > 0) return;
    this.alive(); // what the peer sent meanwhile is still unread: its silence meant nothing
    this.#socket?.resume();
  }

  /** The backend let it in. */
  admitted(data: string | null, subprotocol: string | null): void {
    if (data !== this.#party.data || subprotocol !== this.#party.subprotocol) this.#party = this.#party.with({ data, subprotocol });
  }

  /** The table of connections has indexed these tags. */
  tagged(tags: ReadonlyMap<string, string> | null): void {
    if (tags !== this.#party.tags) this.#party = this.#party.with({ tags });
  }

  setTags(changes: TagChanges): string | null {
    return this.#host.setTags(this, changes);
  }

  /** The socket is gone, whoever ended it. Called once. `by`: who, where the code alone does not tell. */
  ended(code: number, reason: string, by: Closer = code === CLOSE.ABNORMAL ? 'network' : 'client'): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    this.closer ??= by;
    if (this.closeCode === 0) {
      this.closeCode = code;
      this.closeReason = reason;
    }
    this.#socket = null;
    this.#early = null;
    this.#intake.ended();
    this.#host.left(this);
    if (this.#intake.isIdle) this.#host.finished(this);
  }

  /** Refused, or never upgraded: early pushes are dropped, no event follows. */
  refused(): void {
    this.state = 'closed';
    this.#early = null;
    this.#intake.ended();
    this.#host.left(this);
  }

  /** A call or its like, for a dialect that has them. */
  command(command: RpcCommand): RpcOutcome | Promise<RpcOutcome> {
    return this.state === 'closing' || this.state === 'closed' ? NOT_FOUND : this.#intake.command(command);
  }

  /** The intake calls this: nothing is left to deliver. */
  emptied(): void {
    if (this.state === 'closed') this.#host.finished(this);
  }

  describe(): Description {
    return describe(this, this.#host.node);
  }

  #send(message: Message): void {
    this.#host.observer.pushed(this.#party, message);
    this.messages += 1;
    this.sentMessages += 1;
    if (this.#unsent === null || this.#socket === null) this.#socket?.send(message);
    else this.#unsent.send(this.#socket, message);
  }

  #refuse(outcome: Failure): Failure {
    this.#host.observer.pushRefused(this.#party, outcome);
    return outcome;
  }
}

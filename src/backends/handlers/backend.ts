import {
  CLOSE_DELIVERED,
  DELIVERED,
  type CloseEvent,
  type CloseVerdict,
  type MessageEvent,
  type MessageVerdict,
  type OpenEvent,
  type OpenVerdict,
  type Refusal,
} from '../../core/events.ts';
import type { Limits } from '../../core/limits.ts';
import type { Party } from '../../core/party.ts';
import type { Backend, Clock, Log, Receiver } from '../../core/ports.ts';
import { Seldom } from '../../core/seldom.ts';
import { refused } from '../../wire/verdicts.ts';
import { readAdmission } from './admission.ts';
import { goneClient } from './client.ts';
import { Guest } from './guest.ts';
import type { Handlers } from './handlers.ts';
import { handshakeOf } from './handshake.ts';
import { Soon } from './soon.ts';
import { isPromised, Waits, type Busy, type Ended } from './waits.ts';

export type HandlersBackendOptions = {
  readonly handlers: Handlers;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly log: Log;
  /** Shared by all of a process, which come and go with routes and limits. */
  readonly room?: HandlersRoom;
};

/** What ends all handlers of a process at once. */
export class HandlersRoom {
  readonly busy: Busy = new Set();
  isClosed = false;

  close(): void {
    this.isClosed = true;
    for (const waits of this.busy) waits.stop();
  }
}

const FAILED: MessageVerdict = { type: 'failed', because: 'onMessage threw' };
const LATE: MessageVerdict = { type: 'failed', because: 'onMessage did not end within BACKEND_TIMEOUT_MS' };
const STOPPED = { type: 'retry', afterMs: null, because: 'stopped' } as const;

/** Callbacks in this process as a backend: what they return, throw or never do is a verdict. */
export class HandlersBackend implements Backend {
  readonly #options: HandlersBackendOptions;
  readonly #opens: Waits;
  readonly #others: Waits;
  readonly #messages = new Soon<MessageVerdict>();
  readonly #closes = new Soon<CloseVerdict>();
  readonly #complaints: Seldom;
  readonly #room: HandlersRoom;

  constructor(options: HandlersBackendOptions) {
    this.#options = options;
    const { clock, limits, room = new HandlersRoom() } = options;
    this.#room = room;
    this.#opens = new Waits(clock, limits.openTimeoutMs, room.busy);
    this.#others = new Waits(clock, limits.backendTimeoutMs, room.busy);
    this.#complaints = new Seldom(clock);
  }

  async open({ party, request }: OpenEvent): Promise<OpenVerdict> {
    if (this.#room.isClosed) return STOPPED_OPEN;
    const { handlers, limits } = this.#options;
    const { client } = this.#guest(party);
    const ended = await this.#ended(this.#opens, () => handlers.onOpen?.(client, handshakeOf(party.id, request)));
    try {
      if (ended.type === 'returned')
        return readAdmission(ended.value, { offered: request.subprotocols, maxMessageBytes: limits.maxMessageBytes });
      return this.#notOpened(party, ended);
    } catch (error) {
      return this.#notOpened(party, { type: 'threw', error }); // by a getter of what it returned
    }
  }

  message({ party, data, isBinary }: MessageEvent, receiver: Receiver<MessageVerdict>): void {
    if (this.#room.isClosed) return this.#messages.settle(receiver, STOPPED);
    const { client } = this.#guest(party);
    let result: unknown;
    try {
      result = this.#options.handlers.onMessage?.(client, isBinary ? data : data.toString(), !isBinary);
      if (!isPromised(result)) return this.#messages.settle(receiver, DELIVERED);
    } catch (error) {
      return this.#messages.settle(receiver, this.#messageVerdict(party, { type: 'threw', error }));
    }
    this.#others.add(result, (ended) => receiver.settled(this.#messageVerdict(party, ended)));
  }

  close({ party, code, reason }: CloseEvent, receiver: Receiver<CloseVerdict>): void {
    if (this.#room.isClosed) return this.#closes.settle(receiver, STOPPED);
    const guest = this.#guest(party);
    try {
      // one that runs beyond its time is waited for again: it is never called beside itself
      const result = guest.closing ?? this.#options.handlers.onClose?.(guest.client, code, reason);
      if (!isPromised(result)) return this.#closes.settle(receiver, CLOSE_DELIVERED);
      guest.closing = result;
    } catch (error) {
      return this.#closes.settle(receiver, this.#closeVerdict(guest, { type: 'threw', error }));
    }
    this.#others.add(guest.closing, (ended) => receiver.settled(this.#closeVerdict(guest, ended)));
  }

  stop(): Promise<void> {
    this.#room.close();
    return Promise.resolve();
  }

  /** Of a client whose process died there is none yet. */
  #guest(party: Party): Guest {
    return party.companion instanceof Guest ? party.companion : party.derived(this.#orphan);
  }

  readonly #orphan = (party: Party): Guest => new Guest(goneClient(party), this.#options.handlers, this.#options.log);

  #ended(waits: Waits, call: () => unknown): Promise<Ended> {
    return new Promise((resolve) => {
      try {
        const value = call();
        if (isPromised(value)) waits.add(value, resolve);
        else resolve({ type: 'returned', value });
      } catch (error) {
        resolve({ type: 'threw', error });
      }
    });
  }

  /** A late one may have let the client in: an end is told. */
  #notOpened({ id }: Party, ended: Exclude<Ended, { type: 'returned' }>): Refusal {
    switch (ended.type) {
      case 'threw':
        this.#complain({ id, err: ended.error, callback: 'onOpen' }, 'a callback threw, its client is refused with 502');
        return { ...refused(502, 'BAD_GATEWAY', 'the backend failed'), failure: { reason: 'threw', because: 'onOpen threw' } };
      case 'late':
        return {
          ...refused(504, 'GATEWAY_TIMEOUT', 'the backend did not answer in time'),
          failure: { reason: 'timeout', because: 'onOpen did not end within OPEN_TIMEOUT_MS' },
          wasAccepted: true,
          endReason: 'open unanswered',
        };
      case 'stopped':
        return { ...STOPPED_OPEN, wasAccepted: true, endReason: 'open unanswered' };
    }
  }

  #messageVerdict({ id }: Party, ended: Ended): MessageVerdict {
    switch (ended.type) {
      case 'returned':
        return DELIVERED;
      case 'threw':
        this.#complain({ id, err: ended.error, callback: 'onMessage' }, 'a callback threw, its client is closed with 1011');
        return FAILED;
      case 'late':
        return LATE;
      case 'stopped':
        return STOPPED;
    }
  }

  #closeVerdict(guest: Guest, ended: Ended): CloseVerdict {
    if (ended.type !== 'late') guest.closing = null;
    switch (ended.type) {
      case 'returned':
        return CLOSE_DELIVERED;
      case 'threw':
        this.#complain({ id: guest.client.id, err: ended.error, callback: 'onClose' }, 'a callback threw, it is called again');
        return { type: 'retry', afterMs: null, because: 'onClose threw' };
      case 'late':
        return { type: 'retry', afterMs: null, because: 'onClose did not end within BACKEND_TIMEOUT_MS' };
      case 'stopped':
        return STOPPED;
    }
  }

  /** A broken handler throws at every message: a few lines a second tell of it. */
  #complain(facts: object, message: string): void {
    const missed = this.#complaints.missed();
    if (missed !== null) this.#options.log.error({ ...facts, ...(missed > 0 && { missed }) }, message);
  }
}

const STOPPED_OPEN: Refusal = {
  ...refused(502, 'BAD_GATEWAY', 'the backend could not be asked'),
  failure: { reason: 'stopped', because: 'the gateway ends' },
};

import { Client, type ClientOwner, type Manner } from './client.ts';
import { Latencies } from './latencies.ts';
import { MessageForm, nowUs } from './message.ts';
import { Stub, type StubOwner } from './stub.ts';

/** Instead of a client's index, in a push to all. */
export const EVERYBODY = 999_999;
const HANDSHAKES_AT_ONCE = 64;
const LONGEST_WAIT_MS = 120_000;
const LOOK_EVERY_MS = 2;

/**
 * All clients, their backend, and the books: sender and receiver are one process with one clock, so that every message
 * is checked (exactly once, in order on its connection, byte for byte) without a log.
 */
export class Fleet implements ClientOwner, StubOwner {
  readonly clients: Client[] = [];
  readonly stub: Stub;
  readonly latencies = new Latencies();
  readonly up: MessageForm;
  readonly down: MessageForm;
  /** Known once the gateway runs, which wants its backend's address first. */
  gatewayPort = 0;
  /** A message arrived at the backend; a push arrived at its client; a socket or a connection's close call is done. */
  onArrived: (client: Client) => void = () => {};
  onPushed: (client: Client) => void = () => {};
  onLeft: (client: Client) => void = () => {};
  /** Outages are made on purpose: refusals and repeats are no faults then. */
  isTolerant = false;
  /** What the clients say comes back to them, and nobody else hears of it. */
  isEchoed = false;
  /** From now on clients may leave. */
  isEnding = false;
  /** Clients that got in, those that left again included; and those that did not. */
  openCount = 0;
  refusedCount = 0;
  #wanted = 0;
  readonly #manner: Manner;
  readonly #problems = new Map<string, number>();

  /** `speech`: in a dialect of its own. */
  constructor(sizeBytes: number, manner: Manner = { speech: null, isEncrypted: false }) {
    this.stub = new Stub(this, manner.speech);
    this.#manner = manner;
    this.up = new MessageForm('U', sizeBytes);
    this.down = new MessageForm('D', sizeBytes);
  }

  problem(what: string): void {
    this.#problems.set(what, (this.#problems.get(what) ?? 0) + 1);
  }

  get problems(): string[] {
    return [...this.#problems].map(([what, count]) => `${count} × ${what}`);
  }

  /** Opens more clients, a bounded number at a time, until there were `count` in all. */
  async openUpTo(count: number): Promise<void> {
    this.#wanted = count;
    this.#openMore();
    await this.until('clients to be in or refused', () => this.openCount + this.refusedCount >= count);
  }

  openOne(): void {
    this.#wanted += 1;
    this.#openMore();
  }

  /** Waits, bounded; a wait in vain is a problem, not an exception, so that the run is still reported. */
  until(what: string, isDone: () => boolean, limitMs = LONGEST_WAIT_MS): Promise<void> {
    return new Promise((resolve) => {
      const giveUpAt = performance.now() + limitMs;
      const look = (): void => {
        const isLate = performance.now() > giveUpAt;
        if (!isDone() && !isLate) {
          setTimeout(look, LOOK_EVERY_MS);
          return;
        }
        if (!isDone()) this.problem(`waited ${limitMs} ms in vain for ${what}`);
        resolve();
      };
      look();
    });
  }

  /** After a phase: what was sent and never came. */
  checkAllArrived(): void {
    for (const client of this.clients) {
      for (let lost = client.arrived; lost < client.sent && client.state === 'open'; lost += 1) this.problem('message lost');
      for (let lost = client.pushed; lost < client.pushesSent && client.state === 'open'; lost += 1) this.problem('push lost');
      if (client.connectCalls !== 1 && client.wasOpen && !this.isEchoed) this.problem(`client with ${client.connectCalls} open calls`);
    }
  }

  opened(_client: Client): void {
    this.openCount += 1;
    this.#openMore();
  }

  message(client: Client, bytes: Buffer, span: readonly [number, number]): void {
    const [start, end] = this.#manner.speech?.inAnswer(span) ?? span;
    const numbers = this.down.read(bytes, start, end);
    if (numbers === null) return this.problem('push damaged');
    if (numbers.client !== client.index && numbers.client !== EVERYBODY) return this.problem('push at the wrong client');
    if (numbers.sequence !== client.pushed) return this.problem(numbers.sequence < client.pushed ? 'push repeated' : 'push out of order');
    client.pushed += 1;
    if (this.isEchoed) client.arrived = client.pushed;
    this.latencies.add(nowUs() - numbers.dueUs);
    this.onPushed(client);
  }

  gone(client: Client): void {
    if (client.wasOpen) {
      if (!this.isEnding) this.problem('connection ended unasked');
    } else {
      this.refusedCount += 1;
      if (!this.isTolerant) this.problem(`refused: ${client.refusal || 'no answer to the upgrade'}`);
      this.#openMore();
    }
    this.onLeft(client);
  }

  connectCall(index: number, wsUri: string): void {
    const client = this.clients[index];
    if (client === undefined) return this.problem('open call of a stranger');
    client.connectCalls += 1;
    client.pushPath = wsUri.replace(/^[a-z]+:\/\//, '').replace(/^[^/]*/, '');
  }

  messageCall(bytes: Buffer, [start, end]: readonly [number, number]): void {
    const numbers = this.up.read(bytes, start, end);
    const client = numbers === null ? undefined : this.clients[numbers.client];
    if (numbers === null || client === undefined) return this.problem('message damaged');
    if (client.closeCalls > 0) this.problem('message after its close call');
    if (numbers.sequence < client.arrived) {
      if (!this.isTolerant) this.problem('message repeated');
      return;
    }
    if (numbers.sequence > client.arrived) this.problem('message out of order');
    client.arrived = numbers.sequence + 1;
    if (this.#manner.speech?.isRoundTrip !== true) this.latencies.add(nowUs() - numbers.dueUs);
    this.onArrived(client);
  }

  replyTo(bytes: Buffer, [start, end]: readonly [number, number]): Buffer {
    const numbers = this.up.read(bytes, start, end);
    const client = numbers === null ? undefined : this.clients[numbers.client];
    if (numbers === null || client === undefined) return Buffer.from('damaged');
    client.pushesSent += 1;
    return this.down.text({ ...numbers, sequence: client.pushesSent - 1 });
  }

  closeCall(index: number): void {
    const client = this.clients[index];
    if (client === undefined) return this.problem('close call of a stranger');
    client.closeCalls += 1;
    if (client.closeCalls > 1 && !this.isTolerant) this.problem('close call repeated');
    this.onLeft(client);
  }

  send(client: Client, dueUs: number): void {
    const numbers = { client: client.index, sequence: client.sent, dueUs };
    client.send(this.isEchoed ? this.down.frame(numbers) : (this.#manner.speech?.frame(this.up, numbers) ?? this.up.frame(numbers)));
    client.sent += 1;
  }

  #openMore(): void {
    while (this.clients.length < this.#wanted && this.clients.length - this.openCount - this.refusedCount < HANDSHAKES_AT_ONCE)
      this.clients.push(new Client(this.clients.length, this.gatewayPort, { owner: this, ...this.#manner }));
  }
}

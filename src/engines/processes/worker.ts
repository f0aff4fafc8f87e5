import type { Link, MortalLink } from './link.ts';
import { isNotice, type Facts, type Notice } from './notices.ts';

const BEAT_MS = 1_000;

export type Orders = { readonly drain: () => void; readonly reload: () => void };

/** A worker's side of what it and its supervisor say to each other. Says at once, and from then on, that it lives. */
export class WorkerPost {
  readonly #link: Link;
  readonly #mayListen = Promise.withResolvers<void>();
  #orders: Orders;
  #isComplete = false;

  /** `first` is what it obeys until it has more to say goodbye to. A supervisor that dies, or is dead already, orders a drain: nobody else would. */
  constructor(link: MortalLink, first: Orders) {
    this.#link = link;
    this.#orders = first;
    link.onEnd(() => this.#orders.drain());
    this.#say({ notice: 'beat' });
    setInterval(() => this.#say({ notice: 'beat' }), BEAT_MS).unref();
    link.onMessage((message) => {
      if (isNotice(message)) this.#heard(message);
    });
  }

  /** Do all workers listen? */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  obey(orders: Orders): void {
    this.#orders = orders;
  }

  /** Resolves when all workers are prepared. */
  prepared(): Promise<void> {
    this.#say({ notice: 'prepared' });
    return this.#mayListen.promise;
  }

  ready(facts: Facts): void {
    this.#say({ notice: 'ready', facts });
  }

  /** Resolves when it is said. */
  failed(problem: string, exitCode: number): Promise<void> {
    return new Promise((resolve) => this.#link.send({ notice: 'failed', problem, exitCode } satisfies Notice, resolve));
  }

  #say(notice: Notice): void {
    this.#link.send(notice);
  }

  #heard({ notice }: Notice): void {
    if (notice === 'listen') this.#mayListen.resolve();
    if (notice === 'complete') this.#isComplete = true;
    if (notice === 'drain') this.#orders.drain();
    if (notice === 'reload') this.#orders.reload();
  }
}

import type { Companion } from '../../core/companion.ts';
import type { Log } from '../../core/ports.ts';
import type { HandlersClient } from './client.ts';
import type { Handlers } from './handlers.ts';
import { isPromised } from './waits.ts';

/** What a process keeps for one client beside its connection. */
export class Guest implements Companion {
  readonly client: HandlersClient;
  /** Its `onClose`, as long as it runs. */
  closing: PromiseLike<unknown> | null = null;
  readonly #handlers: Handlers;
  readonly #log: Log;

  constructor(client: HandlersClient, handlers: Handlers, log: Log) {
    this.client = client;
    this.#handlers = handlers;
    this.#log = log;
  }

  get hearsDrained(): boolean {
    return this.#handlers.onDrained !== undefined;
  }

  drained(): void {
    this.#call('onDrained');
  }

  leaving(): void {
    this.#call('onShutdown');
  }

  /** Nothing follows from these two; what they throw is told, and costs nobody anything. */
  #call(name: 'onDrained' | 'onShutdown'): void {
    const threw = (error: unknown): void => this.#log.error({ err: error, id: this.client.id, callback: name }, 'a callback threw');
    try {
      const result = this.#handlers[name]?.(this.client);
      if (isPromised(result)) result.then(undefined, threw);
    } catch (error) {
      threw(error);
    }
  }
}

import type { Observer } from '../../core/observer.ts';
import type { Clock, Log } from '../../core/ports.ts';
import type { Timings } from '../../core/timings.ts';
import type { BackendHealth, Signer, Transport } from '../../wire/calls.ts';
import type { Tracing } from '../../wire/tracing.ts';
import { type WatchedTransport, withBreaker } from './breaker.ts';
import { createHttpTransport } from './transport.ts';

export type TransportsOptions = {
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: Observer;
  /** How long calls took. */
  readonly timings: Timings;
  readonly tracing: Tracing | null;
  /** Sockets to each origin, and calls on one socket whose answers are still out. */
  readonly connections: number;
  readonly pipelining: number;
  readonly signer?: Signer | null;
};

/** One transport with its breaker for each origin, shared by all routes whose backend is there. */
export class Transports {
  readonly #options: TransportsOptions;
  readonly #byOrigin = new Map<string, Transport>();
  readonly #watched: WatchedTransport[] = [];

  constructor(options: TransportsOptions) {
    this.#options = options;
  }

  to(origin: string): Transport {
    const known = this.#byOrigin.get(origin);
    if (known !== undefined) return known;
    const { clock, log, observer, timings, tracing, connections, pipelining, signer = null } = this.#options;
    const bare = createHttpTransport({ origin, connections, pipelining, observer, timings, signer });
    const watched = withBreaker(bare, { clock, log, name: origin });
    this.#watched.push(watched);
    const transport = tracing === null ? watched : tracing.around(watched, origin);
    this.#byOrigin.set(origin, transport);
    return transport;
  }

  get origins(): readonly string[] {
    return [...this.#byOrigin.keys()];
  }

  get health(): readonly BackendHealth[] {
    return this.#watched.flatMap(({ health }) => health);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#byOrigin.values()].map((transport) => transport.close()));
  }
}

import type { Observer } from '../../core/observer.ts';
import type { Clock, Log } from '../../core/ports.ts';
import type { Signer, Transport } from '../../wire/calls.ts';
import { withBreaker } from './breaker.ts';
import { createHttpTransport } from './transport.ts';

export type TransportsOptions = {
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: Observer;
  /** Sockets to each origin, and calls on one socket whose answers are still out. */
  readonly connections: number;
  readonly pipelining: number;
  readonly signer?: Signer | null;
};

/** One transport with its breaker for each origin, shared by all routes whose backend is there. */
export class Transports {
  readonly #options: TransportsOptions;
  readonly #byOrigin = new Map<string, Transport>();

  constructor(options: TransportsOptions) {
    this.#options = options;
  }

  to(origin: string): Transport {
    const known = this.#byOrigin.get(origin);
    if (known !== undefined) return known;
    const { clock, log, observer, connections, pipelining, signer = null } = this.#options;
    const transport = withBreaker(createHttpTransport({ origin, connections, pipelining, observer, signer }), { clock, log, name: origin });
    this.#byOrigin.set(origin, transport);
    return transport;
  }

  get origins(): readonly string[] {
    return [...this.#byOrigin.keys()];
  }

  async close(): Promise<void> {
    await Promise.all([...this.#byOrigin.values()].map((transport) => transport.close()));
  }
}

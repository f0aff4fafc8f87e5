import type { App } from '../app.ts';
import type { Config } from '../config/load.ts';
import { drain } from '../core/drain.ts';
import type { Life } from '../library/hosted-gateway.ts';

/** The begin and the end of a gateway in somebody else's process. */
export class HostedLife implements Life {
  readonly #app: App;
  readonly #config: Config;
  readonly #begin: App['listen'];
  #listening: ReturnType<App['listen']> | null = null;
  #closing: Promise<void> | null = null;

  /** `begin`: what `listen` does. */
  constructor(app: App, config: Config, begin: App['listen'] = app.listen) {
    this.#app = app;
    this.#config = config;
    this.#begin = begin;
  }

  async listen(): Promise<Awaited<ReturnType<App['listen']>>> {
    if (this.#closing !== null) throw new Error('the gateway is closed; make another one');
    this.#listening ??= this.#begin();
    return this.#listening;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Whatever holds up the drain, at its end nothing is left that keeps the process. */
  async #close(): Promise<void> {
    await this.#listening?.catch(() => {}); // one that failed has nothing to be ended but the rest
    const { gateway, log, publicServer, controlServer, close } = this.#app;
    const { DRAIN_DELAY_MS: delayMs, DRAIN_MS: spreadMs } = this.#config;
    let closed: Promise<void> | null = null;
    const shut = (): Promise<void> => (closed ??= close());
    await drain({ gateway, log, signal: 'close', delayMs, spreadMs, shut });
    for (const { server } of [publicServer, controlServer]) server.closeAllConnections();
    await shut();
  }
}

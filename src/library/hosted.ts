import { HandlersClient } from '../backends/handlers/client.ts';
import { Guest } from '../backends/handlers/guest.ts';
import type { Handlers } from '../backends/handlers/handlers.ts';
import type { CompanionFactory } from '../core/reach.ts';
import { HostedGateway, type HostedGatewayOptions } from './hosted-gateway.ts';
import { handlersIn, handlersOf } from './modules.ts';
import type { HandlersFactory } from './surface.ts';

/** Handlers by the URL that stands for them in a route. */
export type GivenHandlers = ReadonlyMap<string, Handlers | HandlersFactory>;

/** What runs in the gateway's own process: its view of the gateway, and its handlers. */
export class Hosted {
  readonly gateway: HostedGateway;
  /** Of clients whose messages go elsewhere. */
  readonly companion: CompanionFactory;
  readonly #given: GivenHandlers;
  /** Each is made once, however many routes name it. */
  readonly #made = new Map<unknown, Handlers | Promise<Handlers>>();

  constructor(options: HostedGatewayOptions, given: GivenHandlers) {
    this.gateway = new HostedGateway(options);
    this.#given = given;
    this.companion = (reach, request) => new Guest(new HandlersClient(reach, request), NONE, options.log);
  }

  /** Throws a BackendProblem, or what a factory throws. */
  async handlersAt(url: URL): Promise<Handlers> {
    const given = this.#given.get(url.href);
    return given === undefined
      ? this.#once(url.href, () => handlersIn(new URL(url.href.replace(/^module:/, 'file:')), this.gateway))
      : this.#once(given, () => handlersOf(given, this.gateway));
  }

  #once(key: unknown, make: () => Handlers | Promise<Handlers>): Handlers | Promise<Handlers> {
    const known = this.#made.get(key);
    if (known !== undefined) return known;
    const made = make();
    this.#made.set(key, made);
    if (made instanceof Promise) made.catch(() => this.#made.delete(key));
    return made;
  }
}

const NONE: Handlers = {};

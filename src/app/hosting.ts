import { limitsOf } from '../config/limits.ts';
import type { Gateway } from '../core/gateway.ts';
import type { Limits } from '../core/limits.ts';
import type { Observers } from '../core/observer.ts';
import type { CompanionFactory } from '../core/reach.ts';
import type { GivenHandlers, Hosted } from '../library/hosted.ts';
import type { Routing } from '../routes/routing.ts';
import { BackendProblem } from '../wire/backend-problem.ts';
import type { Base } from './base.ts';

type LiveLimits = Parameters<Routing['relimit']>[0];

/** Room for code in this process. It is opened by the first who needs it, while the parts are put together; most programs never do. */
export class Hosting {
  readonly #base: Base;
  readonly #given: GivenHandlers | null;
  #opened: Promise<Hosted> | null = null;
  #hosted: Hosted | null = null;
  #routing: Routing | null = null;
  #isClosed = false;

  /** `given`: the handlers that a host brings, whose room it is then from the start. */
  constructor(base: Base, given: GivenHandlers | null) {
    this.#base = base;
    this.#given = given;
  }

  /** Null: nobody has needed it. */
  get hosted(): Hosted | null {
    return this.#hosted;
  }

  /** Only here are its files loaded. Throws a BackendProblem once the gateway is put together without it. */
  open(): Promise<Hosted> {
    if (this.#opened === null && this.#isClosed)
      throw new BackendProblem('a gateway that was started without a module takes none later: restart it');
    this.#opened ??= this.#open();
    return this.#opened;
  }

  async #open(): Promise<Hosted> {
    const { Hosted } = await import('../library/hosted.ts');
    const { node, log, config } = this.#base;
    const limits = (): Limits => this.#routing?.standardLimits() ?? limitsOf(config);
    const relimit = async (changes: LiveLimits): Promise<void> => this.#routing?.relimit(changes);
    this.#hosted = new Hosted({ node, log, limits, relimit }, this.#given ?? new Map());
    return this.#hosted;
  }

  readonly companion: CompanionFactory = (reach, request) => this.#hosted?.companion(reach, request) ?? null;

  /** The parts are put together. */
  made({ gateway, routing, observers }: { readonly gateway: Gateway; readonly routing: Routing; readonly observers: Observers }): void {
    this.#isClosed = true;
    this.#routing = routing;
    this.#hosted?.gateway.made({ gateway, find: routing.find, observers });
  }
}

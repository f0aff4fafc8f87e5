import { setImmediate as nextTurn } from 'node:timers/promises';
import { changesOf, closingOf, messageOf, sentOf, shown } from '../backends/handlers/frames.ts';
import type { Client, SendOptions, Sent, Tags } from '../backends/handlers/handlers.ts';
import type { Answers, Query } from '../core/commands.ts';
import type { Gateway as CoreGateway } from '../core/gateway.ts';
import type { Log } from '../core/ports.ts';
import { clientOf } from './client-of.ts';
import { LiveLimits, type LimitsHolder } from './live-limits.ts';
import { selecting } from './selecting.ts';
import { simulate, type FindRoute } from './simulation.ts';
import type { CloseAllOptions, Gateway, Observers, Selector, SelectionSent, SimulateOptions, Simulation } from './surface.ts';
import { Watching, type Watched } from './watching.ts';

/** Longest piece of work before the event loop gets its turn. */
const SLICE_MS = 5;

/** A gateway that is put together: only then can it be used. */
export type Made = { readonly gateway: CoreGateway; readonly find: FindRoute; readonly observers: Watched };

/** Who begins and ends it: the host's own program, or ours. */
export type Life = Pick<Gateway, 'listen' | 'close'>;

export type HostedGatewayOptions = LimitsHolder & { readonly node: string; readonly log: Log };

/** The gateway as code in its own process sees it. It exists before its core, so that handlers can be made that know it. */
export class HostedGateway implements Gateway {
  readonly node: string;
  readonly limits: LiveLimits;
  readonly #watching: Watching;
  readonly #made = Promise.withResolvers<Made>();
  #core: CoreGateway | null = null;
  #life: Life | null = null;

  constructor(options: HostedGatewayOptions) {
    this.node = options.node;
    this.limits = new LiveLimits(options);
    this.#watching = new Watching({ clientOf, log: options.log });
  }

  made(made: Made): void {
    this.#core = made.gateway;
    this.#watching.watch(made.observers);
    this.#made.resolve(made);
  }

  lives(life: Life): void {
    this.#life = life;
  }

  listen(): Promise<{ readonly publicUrl: string; readonly controlUrl: string }> {
    return this.#alive.listen();
  }

  close(): Promise<void> {
    return this.#alive.close();
  }

  get #alive(): Life {
    if (this.#life === null) throw new Error('the gateway is still being put together; it can be begun and ended later');
    return this.#life;
  }

  client(id: string): Client | undefined {
    const connection = this.#core?.connections.find(id);
    return connection && clientOf(connection.party);
  }

  async each(task: (client: Client) => void, { except }: { readonly except?: Client | string } = {}): Promise<number> {
    if (typeof task !== 'function') throw new TypeError(`a task must be a function, ${shown(task)} came`);
    const { gateway } = await this.#made.promise;
    const left = typeof except === 'string' ? except : except?.id;
    let unseen = gateway.connections.size; // who comes meanwhile stands behind them
    let count = 0;
    let sliceEnd = performance.now() + SLICE_MS;
    for (const { isOpen, id, party } of gateway.connections) {
      if (unseen === 0) break;
      unseen -= 1;
      if (isOpen && id !== left) {
        task(clientOf(party));
        count += 1;
      }
      if (performance.now() > sliceEnd) {
        await nextTurn();
        sliceEnd = performance.now() + SLICE_MS;
      }
    }
    return count;
  }

  async count(selector: Selector = { all: true }): Promise<number> {
    return sum(await this.#query({ type: 'count', selector: selecting(selector) }), 'matched');
  }

  async send(
    selector: Selector,
    data: string | Uint8Array,
    { except, binary }: SendOptions & { readonly except?: Client | string } = {},
  ): Promise<SelectionSent> {
    const answers = await this.#query({ type: 'send', selector: selecting(selector, except), message: messageOf(data, binary) });
    const { unreachable } = answers;
    return { matched: sum(answers, 'matched'), sent: sum(answers, 'sent'), failed: sum(answers, 'failed'), unreachable };
  }

  async setTags(selector: Selector, changes: Tags): Promise<number> {
    const answers = await this.#query({ type: 'set-tags', selector: selecting(selector), changes: changesOf(changes) });
    const changed = sum(answers, 'sent');
    const problem = answers.parts.find((part) => part.problem !== null)?.problem;
    if (problem && changed === 0) throw new RangeError(`no client was changed: ${problem}`);
    return changed;
  }

  async closeAll(selector: Selector, { code, reason = 'Closed by server', message }: CloseAllOptions = {}): Promise<number> {
    const closing = closingOf(code, reason);
    const farewell = message === undefined ? null : messageOf(message);
    return sum(await this.#query({ type: 'close-all', selector: selecting(selector), farewell, ...closing }), 'sent');
  }

  async push(
    id: string,
    data: string | Uint8Array,
    { binary, idempotencyKey = null }: SendOptions & { readonly idempotencyKey?: string | null } = {},
  ): Promise<Sent | 'unavailable'> {
    const message = messageOf(data, binary);
    const { gateway } = await this.#made.promise;
    return sentOf(await gateway.dispatch({ type: 'push', id, message, idempotencyKey }));
  }

  on<Event extends keyof Observers>(event: Event, observer: Observers[Event]): () => void {
    return this.#watching.on(event, observer);
  }

  async simulate(count: number, options: SimulateOptions = {}): Promise<Simulation> {
    return simulate(await this.#made.promise, count, options);
  }

  async #query(query: Query): Promise<Answers> {
    const { gateway } = await this.#made.promise;
    return gateway.query(query);
  }
}

function sum({ parts }: Answers, field: 'matched' | 'sent' | 'failed'): number {
  return parts.reduce((total, part) => total + part[field], 0);
}

import type { Connection } from '../../../src/core/connection.ts';
import { CLOSE_DELIVERED, DELIVERED, type OpenVerdict } from '../../../src/core/events.ts';
import type { Gateway } from '../../../src/core/gateway.ts';
import { ownerToken } from '../../../src/core/ids.ts';
import type { Backend, Log, Socket } from '../../../src/core/ports.ts';
import type { Route } from '../../../src/core/route.ts';
import { RunningClock, type TimeSource } from '../../../src/core/system-clock.ts';
import type { Engine } from '../../../src/engines/index.ts';
import { joinBy } from '../../../src/engines/join-by.ts';
import { leaseOf } from '../../../src/engines/membership.ts';
import type { RealTime } from '../../../src/engines/real-time.ts';
import { sampleGateway, sampleRequest, sampleRoute } from '../../contracts/samples.ts';
import type { Random } from '../random.ts';
import type { VirtualClock } from '../virtual-clock.ts';
import { SimulatedBackbone, type SimulatedEngine } from './simulated-engine.ts';

export const LEASE_MS = 3_000;
export const BUS_TIMEOUT_MS = 500;

/** A client, as the world sees it. */
export type Client = {
  readonly node: SimulatedNode;
  readonly chosenId: string | null;
  readonly cameAt: number;
  connection: Connection | null;
  isOpen: boolean;
  openedAt: number;
  endedAt: number;
  readonly heard: { readonly text: string; readonly at: number }[];
};

/** What the backend was asked and told, by the key of a connection. */
export type Books = { readonly accepted: Set<string>; readonly told: Map<string, number> };

export type World = {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly engine: SimulatedEngine;
  readonly books: Books;
  readonly log: (node: string) => Log;
  readonly everyTick: (() => void)[];
};

/** One process: the real core and the real engine code, in a world that can freeze it, cut it off and kill it. */
export class SimulatedNode {
  readonly name: string;
  readonly owner = ownerToken();
  readonly backbone: SimulatedBackbone;
  gateway: Gateway | null = null;
  joined: Engine | null = null;
  isDead = false;
  readonly #world: World;
  #frozenUntil = 0;
  #route: Route | null = null;

  constructor(world: World, name: string) {
    this.#world = world;
    this.name = name;
    const station = { owner: this.owner, node: name, leaseMs: LEASE_MS, run: this.run, isDead: () => this.isDead };
    this.backbone = new SimulatedBackbone(world.engine, station, world.random);
  }

  async start(): Promise<void> {
    const { clock, log: logOf, everyTick } = this.#world;
    const log = logOf(this.name);
    const time: RealTime = {
      now: () => clock.now(),
      after: (ms, task) => clock.after(ms, () => this.run(task)),
      soon: (task) => void clock.after(0, () => this.run(task)),
    };
    const source: TimeSource = {
      elapsedMs: () => clock.now(),
      date: () => clock.now(),
      random: () => clock.random(),
      wait: (ms, task) => clock.after(ms, () => this.run(task)),
      every: (_ms, task) =>
        everyTick.push(() => {
          if (!this.isDead && !this.isFrozen) task();
        }),
    };
    const { name, owner } = this;
    const options = {
      owner,
      node: name,
      timeoutMs: BUS_TIMEOUT_MS,
      log,
      lease: leaseOf(LEASE_MS),
      garbageCame: () => {},
      name: 'simulated',
      time,
    };
    this.joined = await joinBy(this.backbone, options);
    const { bus, ledger, isInDoubt } = this.joined;
    const running = new RunningClock(source);
    const whyClosed = (): string | null => (isInDoubt() ? 'in doubt' : null);
    const route = sampleRoute({ backend: this.#backend(), clock: running });
    this.#route = route;
    this.gateway = sampleGateway({ clock: running, log, bus, ledger, node: name, owner, whyClosed, routeOf: () => route });
    await bus.serve(this.gateway);
    this.gateway.bereaved();
  }

  get isFrozen(): boolean {
    return this.#world.clock.now() < this.#frozenUntil;
  }

  freeze(ms: number): void {
    this.#frozenUntil = this.#world.clock.now() + ms;
  }

  /** A process that does not run does it later; a dead one never. */
  readonly run = (task: () => void): void => {
    if (this.isDead) return;
    if (this.isFrozen) this.#world.clock.after(this.#frozenUntil - this.#world.clock.now(), () => this.run(task));
    else task();
  };

  /** Lets a client in, or not. */
  connect(client: Client): void {
    this.run(() => void this.#connect(client));
  }

  async #connect(client: Client): Promise<void> {
    const request = sampleRequest({ path: '/', clientId: client.chosenId, remoteAddress: '10.0.0.1' });
    const decision = await this.gateway?.open(this.#route as Route, request, () => false);
    if (decision === undefined || 'type' in decision || this.isDead) return;
    const { connection, verdict } = decision;
    client.connection = connection;
    client.isOpen = true;
    client.openedAt = this.#world.clock.now();
    connection.attach(this.#socket(client), verdict);
  }

  /** The client's end. */
  leave(client: Client): void {
    if (!client.isOpen) return;
    client.isOpen = false;
    client.endedAt = this.#world.clock.now();
    this.run(() => client.connection?.ended(1000, ''));
  }

  #socket(client: Client): Socket {
    const { clock } = this.#world;
    const end = (code: number): void => {
      clock.after(3, () => {
        if (client.isOpen) {
          client.isOpen = false;
          client.endedAt = clock.now();
        }
        this.run(() => client.connection?.ended(code, ''));
      });
    };
    return {
      send: ({ data }) => {
        if (client.isOpen) client.heard.push({ text: data.toString(), at: clock.now() });
      },
      close: end,
      terminate: () => end(1006),
      pause: () => {},
      resume: () => {},
      ping: () => {},
      get isOpen() {
        return client.isOpen;
      },
      bufferedBytes: 0,
      receivedBytes: 0,
    };
  }

  #backend(): Backend {
    const { clock, random, books } = this.#world;
    const verdict: OpenVerdict = { type: 'accepted', tags: null, data: null, subprotocol: null, message: null, headers: [] };
    return {
      open: ({ party }) =>
        new Promise((resolve) => {
          clock.after(random.between(1, 40), () => {
            books.accepted.add(party.key);
            clock.after(1, () => this.run(() => resolve(verdict)));
          });
        }),
      message: (_event, receiver) => void clock.after(1, () => this.run(() => receiver.settled(DELIVERED))),
      close: ({ party }, receiver) => {
        clock.after(random.between(1, 40), () => {
          if (this.isDead && random.chance(0.5)) return; // it may have left before its end
          if (random.chance(0.1)) {
            this.run(() => receiver.settled({ type: 'retry', afterMs: null, because: 'simulated' }));
            return;
          }
          books.told.set(party.key, (books.told.get(party.key) ?? 0) + 1);
          this.run(() => receiver.settled(CLOSE_DELIVERED));
        });
      },
      stop: () => Promise.resolve(),
    };
  }
}

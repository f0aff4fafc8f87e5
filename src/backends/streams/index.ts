import type { Commander } from '../../core/commander.ts';
import { createInboxes } from '../../core/inbox.ts';
import type { Limits } from '../../core/limits.ts';
import type { Observer } from '../../core/observer.ts';
import type { Clock, Log } from '../../core/ports.ts';
import type { Route } from '../../core/route.ts';
import type { Timings } from '../../core/timings.ts';
import type { EntriesSpeech } from '../../wire/codec.ts';
import type { StreamTarget } from '../../wire/stream-targets.ts';
import type { CommandSource, StreamLink } from '../../wire/streams.ts';
import { StreamBackend } from './backend.ts';
import { Executor } from './executor.ts';
import { Names } from './names.ts';
import { Outlet } from './outlet.ts';
import { TimedBackend } from './timed.ts';

export type StreamsParts = {
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: Observer;
  /** How long entries took to be stored, for metrics. */
  readonly timings: Timings;
  readonly consumer: string;
  readonly streams: {
    readonly link: (target: StreamTarget) => Promise<StreamLink>;
    readonly commands: (target: StreamTarget, consumer: string) => Promise<CommandSource>;
  };
};

type Spoken = { readonly speech: EntriesSpeech; readonly limits: Limits };
/** Commands from one stream; its source once they are read. */
type Inlet = { readonly target: StreamTarget; readonly limits: Limits; source: Promise<CommandSource> | null };

/** Backends that are brokers: routes whose URLs differ in nothing but names share a connection, and commands are read once. */
export class Streams {
  readonly #parts: StreamsParts;
  readonly #outlets = new Map<string, Outlet>();
  readonly #inlets = new Map<string, Inlet>();
  #commander: Commander | null = null;

  constructor(parts: StreamsParts) {
    this.#parts = parts;
  }

  serve({ speech, limits }: Spoken): Pick<Route, 'backend' | 'intake'> {
    const { target, codec } = speech;
    const { clock, log, timings } = this.#parts;
    this.#hear(target, limits);
    const { commands } = target;
    const reserved = new Set(commands === null ? [] : [commands.name, commands.deadLetters]);
    const names = new Names({ template: target.name, most: target.mostNames, reserved, log });
    const stored = new StreamBackend({ codec, names, outlet: this.#outlet(target), limits });
    const backend = new TimedBackend(stored, clock, timings);
    return { backend, intake: createInboxes({ backend, limits }) };
  }

  get targets(): readonly string[] {
    return [...this.#outlets.values()].map(({ name }) => name);
  }

  get problem(): string | null {
    for (const { problem } of this.#outlets.values()) if (problem !== null) return problem;
    return null;
  }

  /** The gateway serves: connects to the brokers, and carries out the commands that come. */
  obey(commander: Commander): void {
    this.#commander = commander;
    for (const outlet of this.#outlets.values()) outlet.open();
    for (const inlet of this.#inlets.values()) this.#read(inlet, commander);
  }

  async disobey(): Promise<void> {
    this.#commander = null;
    await Promise.all([...this.#inlets.values()].map(async ({ source }) => (await source?.catch(() => null))?.close()));
  }

  async close(): Promise<void> {
    await this.disobey();
    await Promise.all([...this.#outlets.values()].map((outlet) => outlet.stop()));
  }

  #outlet(target: StreamTarget): Outlet {
    const key = keyOf(target);
    const known = this.#outlets.get(key);
    if (known !== undefined) return known;
    const { clock, log, observer, streams } = this.#parts;
    const outlet = new Outlet({ name: target.shownUrl, connect: () => streams.link(target), clock, log, observer });
    this.#outlets.set(key, outlet);
    if (this.#commander !== null) outlet.open();
    return outlet;
  }

  #hear(target: StreamTarget, limits: Limits): void {
    if (target.commands === null) return;
    const key = `${target.url} ${target.commands.name} ${target.commands.group}`;
    if (this.#inlets.has(key)) return;
    const inlet: Inlet = { target, limits, source: null };
    this.#inlets.set(key, inlet);
    if (this.#commander !== null) this.#read(inlet, this.#commander);
  }

  #read(inlet: Inlet, commander: Commander): void {
    const { target, limits } = inlet;
    const { log, observer, consumer, streams } = this.#parts;
    inlet.source = streams.commands(target, consumer);
    inlet.source.then(
      (source) => source.start(new Executor({ commander, log, observer, name: target.commands?.name ?? '', limits })),
      (error: unknown) => log.error({ err: error, broker: target.shownUrl }, 'commands cannot be read'),
    );
  }
}

export function openStreams(parts: StreamsParts): Streams {
  return new Streams(parts);
}

/** All that a connection is made of. */
function keyOf(target: StreamTarget): string {
  return JSON.stringify({ ...target, name: null, commands: null, mostNames: null });
}

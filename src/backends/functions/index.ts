import type { FunctionSpeech } from '../../wire/codec.ts';
import type { AroundFunction, FunctionHost, FunctionTarget } from '../../wire/functions.ts';
import { targetName, type TargetSpec, type TargetType } from '../../wire/targets.ts';
import type { Clock, Log } from '../../core/ports.ts';
import type { Route } from '../../core/route.ts';
import type { Transport } from '../../wire/calls.ts';
import type { Timings } from '../../core/timings.ts';
import { createMock } from './mock.ts';
import { timed } from './timed.ts';
import { createWebhook } from './webhook.ts';

export type FunctionParts = {
  readonly clock: Clock;
  readonly log: Log;
  /** Calls at once to what runs one function. */
  readonly connections: number;
  /** How long invocations took, for metrics. */
  readonly timings: Timings;
  /** The variables of this process. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The sockets to an origin, shared by all that calls it. */
  readonly transportTo: (origin: string) => Transport;
  readonly aroundFunction?: AroundFunction | undefined;
};

type Opener<Type extends TargetType> = (
  spec: Extract<TargetSpec, { readonly type: Type }>,
  parts: FunctionParts,
) => FunctionTarget | Promise<FunctionTarget>;

/** What can run a function: one line each. What a type needs is loaded when the first target of it is opened. */
const TARGETS: { readonly [Type in TargetType]: Opener<Type> } = {
  webhook: createWebhook,
  mock: createMock,
  rie: async (spec, parts) => (await import('./rie/target.ts')).openRie(spec, parts),
  lambda: async (spec, parts) => (await import('./lambda/target.ts')).openLambda(spec, parts),
  module: async (spec, parts) => timed((await import('./module/open.ts')).openModule(spec, parts), parts.clock, parts.timings),
};

type Functions = {
  readonly serve: (spoken: { readonly speech: FunctionSpeech }) => Promise<Pick<Route, 'backend' | 'intake'>>;
  readonly targets: readonly string[];
  readonly reload: () => void;
  readonly close: () => Promise<void>;
};

/** Backends that are functions: equal targets are opened once for a process. */
export function openFunctions(parts: FunctionParts): Functions {
  const { clock, log } = parts;
  const opened = new Map<string, Promise<FunctionTarget>>();
  const host: FunctionHost = { open, clock, log };

  function open(spec: TargetSpec): Promise<FunctionTarget> {
    const name = JSON.stringify(spec);
    const known = opened.get(name);
    if (known !== undefined) return known;
    const opening = openTarget(spec, parts);
    opened.set(name, opening);
    opening.catch(() => opened.delete(name)); // the next reading of the routes may fare better
    return opening;
  }

  return {
    serve: ({ speech }) => speech.serve(host),
    get targets() {
      return [...new Set([...opened.keys()].map((name) => targetName(JSON.parse(name) as TargetSpec)))];
    },
    reload() {
      for (const target of opened.values())
        void target.then(
          (one) => one.reload?.(),
          () => {},
        );
    },
    async close() {
      await Promise.all([...opened.values()].map(async (target) => (await target).stop()));
    },
  };
}

async function openTarget<Type extends TargetType>(
  spec: Extract<TargetSpec, { readonly type: Type }>,
  parts: FunctionParts,
): Promise<FunctionTarget> {
  const opener: Opener<Type> = TARGETS[spec.type];
  const target = await opener(spec, parts);
  return parts.aroundFunction?.(target, spec) ?? target;
}

import type { Clock, Receiver, Timer } from '../../../core/ports.ts';
import type { BackendCall, BackendFailure, BackendResult, Transport } from '../../../wire/calls.ts';
import type { FunctionCall, FunctionResult, FunctionTarget } from '../../../wire/functions.ts';
import type { TargetSpec } from '../../../wire/targets.ts';
import { withoutEndSlashes } from '../../../wire/ws-uris.ts';
import { profileOf } from '../profiles.ts';
import { readThrown, threw } from '../thrown.ts';
import { STOPPED, tooMany, Waiting } from '../waiting.ts';

/** Of the Lambda Runtime Interface Emulator, whatever the function is called. */
const PATH = '/2015-03-31/functions/function/invocations';
/** It runs one call at a time; somebody else's call is waited for by asking again. */
const BUSY = 400;
const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 500;
/** An emulator that cannot be reached holds up the line for so long; then its calls may come again. */
const HELD_MS = 1_000;
const TIMED_OUT = /^Task timed out after [\d.]+ seconds/;

export type RieOptions = {
  /** Path of the emulator's URL before its own, mostly empty. */
  readonly basePath: string;
  /** To the emulator. */
  readonly transport: Transport;
  readonly clock: Clock;
  /** Calls that wait for their turn. */
  readonly maxWaiting: number;
};

export const RIE_DEFAULTS = { maxWaiting: 1_000 } as const;

/**
 * A function in a container with the Lambda Runtime Interface Emulator, which takes one call at a time and answers 400 to
 * any other: calls take turns here, in order, and a 400 is no answer to anybody. One of these serves all routes that call the
 * same emulator.
 */
export class RieTarget implements FunctionTarget {
  readonly #options: RieOptions;
  readonly #waiting = new Set<Waiting>();
  #current: Waiting | null = null;
  #pauseMs = FIRST_PAUSE_MS;
  #pause: Timer | null = null;
  #isStopped = false;

  constructor(options: RieOptions) {
    this.#options = options;
  }

  invoke(call: FunctionCall, receiver: Receiver<FunctionResult>, waitUntil: number): void {
    const { clock, maxWaiting } = this.#options;
    const waiting = new Waiting(call, { receiver, clock, waitUntil, expired: (one) => void this.#waiting.delete(one) });
    if (this.#isStopped) waiting.settleSoon(STOPPED);
    else if (this.#waiting.size >= maxWaiting) waiting.settleSoon(tooMany(maxWaiting, 'the emulator'));
    else {
      this.#waiting.add(waiting);
      this.#next();
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#pause?.cancel();
    for (const waiting of [...(this.#current === null ? [] : [this.#current]), ...this.#waiting]) waiting.stop();
    this.#waiting.clear();
  }

  #next(): void {
    const [first] = this.#waiting;
    if (first === undefined || this.#current !== null || this.#isStopped) return;
    this.#waiting.delete(first);
    this.#send(first);
  }

  #send(waiting: Waiting): void {
    const { basePath, transport, clock } = this.#options;
    const { call, waitUntil } = waiting;
    this.#current = waiting;
    waiting.begins();
    const request: BackendCall = {
      profile: profileOf(call),
      path: basePath + PATH,
      headers: ['content-type', 'application/json', ...(call.headers ?? [])],
      body: call.payload,
    };
    transport.call(request, { settled: (result) => this.#answered(waiting, result) }, Math.min(waitUntil, clock.now() + HELD_MS));
  }

  #answered(waiting: Waiting, result: BackendResult): void {
    if (result.type === 'answer' && result.status === BUSY && !waiting.isOver) {
      this.#again(waiting);
      return;
    }
    this.#current = null;
    this.#pauseMs = FIRST_PAUSE_MS;
    waiting.settled(resultOf(result));
    if (result.type === 'failure' && !result.wasSent) this.#failAll(result); // nobody reaches it
    this.#next();
  }

  /** Whoever has it will have done; until then this call keeps its place in front of all others. */
  #again(waiting: Waiting): void {
    const { clock } = this.#options;
    waiting.waitsAgain();
    this.#pause = clock.after(this.#pauseMs * (0.5 + clock.random() / 2), () => {
      if (!waiting.isOver) this.#send(waiting);
      else {
        this.#current = null;
        this.#next();
      }
    });
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
  }

  #failAll(failure: BackendFailure): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const one of waiting) one.settled(failure);
  }
}

function resultOf(result: BackendResult): FunctionResult {
  if (result.type === 'failure') return result;
  const { status, body } = result;
  if (status !== 200)
    return readThrown(body) ?? threw('Runtime.EmulatorError', `the emulator answered ${status}: ${body.toString('utf8', 0, 200)}`);
  if (TIMED_OUT.test(body.toString('latin1', 0, 64))) return threw('Sandbox.Timedout', body.toString('utf8', 0, 200));
  return readThrown(body) ?? { type: 'returned', payload: body };
}

/** The emulator at a URL; its path, mostly none, comes before the emulator's own. */
export function openRie(
  { url }: Extract<TargetSpec, { type: 'rie' }>,
  { clock, transportTo }: { readonly clock: Clock; readonly transportTo: (origin: string) => Transport },
): FunctionTarget {
  const { origin, pathname } = new URL(url);
  return new RieTarget({ ...RIE_DEFAULTS, basePath: withoutEndSlashes(pathname), transport: transportTo(origin), clock });
}

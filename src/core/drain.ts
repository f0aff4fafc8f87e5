import { CLOSE } from './close-codes.ts';
import type { Gateway } from './gateway.ts';
import { LATENESS_MS, sayGoodbye } from './goodbyes.ts';
import type { Clock, Log } from './ports.ts';

/** After the last goodbye: for answers to it, for what was read, and for `close` events. */
const ANSWERS_MS = 2_000;
const INBOXES_MS = 1_000;
const CLOSE_EVENTS_MS = 1_300;
const SHUT_MS = 300;
/** The longest time that a drain takes beyond DRAIN_DELAY_MS and DRAIN_MS. */
export const DRAIN_MARGIN_MS = LATENESS_MS + ANSWERS_MS + INBOXES_MS + CLOSE_EVENTS_MS + SHUT_MS;

export type DrainOptions = {
  readonly gateway: Gateway;
  readonly log: Log;
  /** Why it drains: a signal's name, `fault` or `supervisor`. */
  readonly signal: string;
  /** Time in which `/readyz` says no and clients are still let in. */
  readonly delayMs: number;
  /** Time over which the goodbyes are spread. */
  readonly spreadMs: number;
  /** Closes the servers, the bus, the backends and the ledger. */
  readonly shut: () => Promise<void>;
};

type Phase = { readonly name: string; readonly why: string; readonly limitMs: number; readonly run: () => Promise<unknown> | void };

/**
 * Leaves politely (G7): named phases, each with a limit, DRAIN_DELAY_MS + DRAIN_MS + 5 s in all. What could not be
 * delivered stays in the journal, and the log says so.
 */
export async function drain({ gateway, log, signal, delayMs, spreadMs, shut }: DrainOptions): Promise<void> {
  log.info({ signal, connections: gateway.connections.size }, 'draining');
  const phases: Phase[] = [
    {
      name: 'unready',
      why: 'balancers look at /readyz and send new clients elsewhere',
      limitMs: delayMs + 100,
      run: () => beUnready(gateway, delayMs),
    },
    { name: 'stop upgrades', why: 'a client that came in now would have to leave at once', limitMs: 100, run: () => gateway.stopOpening() },
    {
      name: 'goodbyes',
      why: 'paced, so that the clients do not all come back to the other nodes at once',
      limitMs: spreadMs + LATENESS_MS + 100,
      run: () => sayGoodbye(gateway, spreadMs),
    },
    {
      name: 'answers and inboxes',
      why: 'what clients sent before they saw the goodbye belongs to the backend',
      limitMs: ANSWERS_MS,
      run: () => gateway.empty(),
    },
    { name: 'cut off', why: 'a client that has not answered by now will not answer', limitMs: INBOXES_MS, run: () => cutOff(gateway) },
    { name: 'close events', why: 'the backend must hear of every end', limitMs: CLOSE_EVENTS_MS, run: () => gateway.closings.idle() },
    {
      name: 'shut',
      why: 'the servers last, as backends push until the end; then bus and backend, which the other phases need',
      limitMs: SHUT_MS,
      run: shut,
    },
  ];
  for (const { name, why, limitMs, run } of phases) {
    const startedAt = gateway.clock.now();
    const inTime = await within(gateway.clock, limitMs, run());
    log.debug({ phase: name, why, ms: Math.round(gateway.clock.now() - startedAt) }, 'drain phase done');
    if (!inTime) log.warn({ phase: name, limitMs, unfinished: gateway.unfinished }, 'drain phase ran out of time');
  }
  const { unfinished } = gateway;
  if (unfinished > 0) log.error({ unfinished }, 'left with undelivered events; with JOURNAL_DIR they are told at the next start');
  log.info({}, 'drained');
}

async function beUnready(gateway: Gateway, delayMs: number): Promise<void> {
  gateway.beUnready();
  if (delayMs > 0) await new Promise<void>((resolve) => gateway.clock.after(delayMs, resolve));
}

async function cutOff(gateway: Gateway): Promise<void> {
  for (const connection of gateway.connections) connection.terminate(CLOSE.ABNORMAL, 'gateway left');
  await gateway.empty();
}

/** False if the time was over first. */
async function within(clock: Clock, limitMs: number, work: Promise<unknown> | void): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = clock.after(limitMs, () => resolve(false));
  const inTime = await Promise.race([Promise.resolve(work).then(() => true), late]);
  timer.cancel();
  return inTime;
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { App } from './app.ts';
import type { Config } from './config.ts';
import { LATENESS_MS, sayGoodbye } from './sockets/goodbyes.ts';

/** After the last goodbye: for answers to it, for what was read, and for `close` events. */
const ANSWERS_MS = 2_000;
const INBOXES_MS = 1_000;
const CLOSE_EVENTS_MS = 1_300;
const SHUT_MS = 300;
/** What a drain may take beyond DRAIN_DELAY_MS and DRAIN_MS. */
export const DRAIN_MARGIN_MS = LATENESS_MS + ANSWERS_MS + INBOXES_MS + CLOSE_EVENTS_MS + SHUT_MS;

type Phase = { readonly name: string; readonly why: string; readonly limitMs: number; readonly run: () => Promise<unknown> | void };

/**
 * Leaves politely (G7): named phases, each with a limit, DRAIN_DELAY_MS + DRAIN_MS + 5 s in all. What could not be
 * delivered stays in the journal and is said in the log.
 */
export async function drain(
  app: App,
  config: Config,
  { logger, signal }: { readonly logger: Logger; readonly signal: string },
): Promise<void> {
  const { gateway } = app;
  logger.info({ signal, connections: gateway.connections.size }, 'draining');
  const phases: Phase[] = [
    {
      name: 'unready',
      why: 'balancers look at /readyz and send new clients elsewhere',
      limitMs: config.DRAIN_DELAY_MS + 100,
      run: () => beUnready(app, config.DRAIN_DELAY_MS),
    },
    { name: 'stop upgrades', why: 'who came in now would have to leave at once', limitMs: 100, run: () => app.stopUpgrades() },
    {
      name: 'goodbyes',
      why: 'paced, so that the clients do not all come back to the others at once',
      limitMs: config.DRAIN_MS + LATENESS_MS + 100,
      run: () => sayGoodbye(gateway, config.DRAIN_MS),
    },
    {
      name: 'answers and inboxes',
      why: 'what clients sent before they saw the goodbye belongs to the backend',
      limitMs: ANSWERS_MS,
      run: () => gateway.empty(),
    },
    { name: 'cut off', why: 'who has not answered by now will not', limitMs: INBOXES_MS, run: () => cutOff(app) },
    { name: 'close events', why: 'the backend must hear of every end', limitMs: CLOSE_EVENTS_MS, run: () => gateway.closings.idle() },
    {
      name: 'shut',
      why: 'HTTP last, as backends push until the end; then bus and backend, which the others need',
      limitMs: SHUT_MS,
      run: () => app.close(),
    },
  ];
  for (const { name, why, limitMs, run } of phases) {
    const startedAt = Date.now();
    const inTime = await within(limitMs, run());
    logger.debug({ phase: name, why, ms: Date.now() - startedAt }, 'drain phase done');
    if (!inTime) logger.warn({ phase: name, limitMs, unfinished: gateway.unfinished }, 'drain phase ran out of time');
  }
  const { unfinished } = gateway;
  if (unfinished > 0) logger.error({ unfinished }, 'left with undelivered events; with JOURNAL_DIR they are told at the next start');
  logger.info({}, 'drained');
}

async function beUnready(app: App, delayMs: number): Promise<void> {
  app.beUnready();
  if (delayMs > 0) await sleep(delayMs);
}

async function cutOff(app: App): Promise<void> {
  for (const connection of app.gateway.connections) connection.terminate(1006, 'gateway left');
  await app.gateway.empty();
}

/** False if the time was over first. */
async function within(limitMs: number, work: Promise<unknown> | void): Promise<boolean> {
  const timer = new AbortController();
  const late = sleep(limitMs, false, { signal: timer.signal }).catch(() => false);
  const inTime = await Promise.race([Promise.resolve(work).then(() => true), late]);
  timer.abort();
  return inTime;
}

import { availableParallelism } from 'node:os';
import closeWithGrace, { type Options as CloseWithGraceOptions } from 'close-with-grace';
import { createApp, type App } from './app.ts';
import { beforeExit, END_MS, endAtOnce } from './cli/before-exit.ts';
import { obeySignals } from './cli/early-signals.ts';
import type { Config } from './config/load.ts';
import { VERSION } from './config/version.ts';
import { drain, DRAIN_MARGIN_MS } from './core/drain.ts';
import { randomName } from './core/ids.ts';
import { systemClock } from './core/system-clock.ts';
import { reread } from './reread.ts';
import { linkTo } from './engines/processes/link.ts';
import type { WorkerPost } from './engines/processes/worker.ts';
import type { OpenLog } from './logs/logger.ts';

/** Beyond all that, until the process ends whatever happens. */
const LAST_MS = 1_000;

export type ServeSurroundings = {
  /** To the supervisor, in a worker. */
  readonly post: WorkerPost | null;
  /** Writes the profiles of this process's life; null: none are wanted. */
  readonly profiled: (() => Promise<void>) | null;
};

/** One process that serves clients: alone, or as a worker. Resolves when it listens. */
export async function serve(config: Config, log: OpenLog, { post, profiled }: ServeSurroundings): Promise<void> {
  const { logger, stream } = log;
  const app = await createApp(config, logger, {
    node: config.NODE_NAME ?? randomName(),
    link: post === null ? null : linkTo(process),
    checks: [
      { name: 'log', problem: () => stream.problem, isRequired: false },
      { name: 'workers', problem: () => (post === null || post.isComplete ? null : 'not all of them listen yet'), isRequired: true },
    ],
  });
  const reload = (): void => void reread(app, config, logger);
  const extensions = await extensionsOf(config, app);
  // a second signal ends at once; a worker leaves Ctrl-C, which reaches the whole group, to its supervisor
  const skip = post === null ? ['SIGHUP', 'SIGUSR2'] : ['SIGHUP', 'SIGUSR2', 'SIGINT'];
  const { close } = closeWithGrace({ delay: false, logger: false, skip } as CloseWithGraceOptions, async ({ err, signal }) => {
    if (err) logger.fatal({ err }, 'a fault of the gateway, it ends');
    const cause = signal ?? (err ? 'fault' : 'supervisor');
    await extensions?.stop();
    await leave(app, config, cause);
    await profiled?.().catch((error: unknown) => logger.error({ err: error }, 'the profile could not be written'));
    await beforeExit(log);
  });
  if (post !== null) {
    process.on('SIGINT', () => {});
    post.obey({ drain: close, reload });
  }
  obeySignals(reload);
  const urls = await app.listen(() => post?.prepared() ?? Promise.resolve());
  app.hosted?.lives({ listen: () => Promise.resolve(urls), close: async () => close() });
  if (app.hosted !== null) await extensions?.start(config.EXTENSIONS, app.hosted);
  const facts = { version: VERSION, ...app.facts, cores: availableParallelism(), ...urls };
  if (post === null) logger.info(facts, 'wsaas serves');
  else post.ready(facts);
}

/** Null, and not even loaded, where there are none. */
async function extensionsOf({ EXTENSIONS }: Config, { log }: App) {
  if (EXTENSIONS.length === 0) return null;
  const { Extensions } = await import('./library/extensions.ts');
  return new Extensions({ log, clock: systemClock });
}

/** `close-with-grace` ends the process after it. A drain is bounded; if something holds it up all the same, the last deadline does not wait. */
async function leave(app: App, config: Config, cause: string): Promise<void> {
  const { DRAIN_DELAY_MS: delayMs, DRAIN_MS: spreadMs } = config;
  const { gateway, log: appLog, close: shut } = app;
  systemClock.after(delayMs + spreadMs + DRAIN_MARGIN_MS + END_MS + LAST_MS, endAtOnce);
  await drain({ gateway, log: appLog, signal: cause, delayMs, spreadMs, shut });
}

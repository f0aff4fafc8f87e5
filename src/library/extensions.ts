import { pathToFileURL } from 'node:url';
import { resolve } from 'node:path';
import { shown } from '../backends/handlers/frames.ts';
import type { Clock, Log } from '../core/ports.ts';
import { BackendProblem } from '../wire/backend-problem.ts';
import { loadModule, reasonOf } from './modules.ts';
import type { Extension, Gateway } from './surface.ts';

/** All extensions together have so long to stop. */
const STOP_MS = 5_000;

type Started = { readonly file: string; readonly extension: Extension };

/** The extensions of one process, which run beside its clients. */
export class Extensions {
  readonly #started: Started[] = [];
  readonly #log: Log;
  readonly #clock: Clock;

  constructor({ log, clock }: { readonly log: Log; readonly clock: Clock }) {
    this.#log = log;
    this.#clock = clock;
  }

  /** Starts them one after the other. Throws a BackendProblem; those that run already are left to `stop`. */
  async start(files: readonly string[], gateway: Gateway): Promise<void> {
    for (const file of files) {
      const extension = await extensionIn(file);
      this.#started.push({ file, extension });
      try {
        await extension.start(gateway);
      } catch (error) {
        throw new BackendProblem(`EXTENSIONS: ${file} could not be started: ${reasonOf(error)}`, { cause: error });
      }
    }
  }

  /** Stops them, the last one first. What one throws, or never ends, keeps nobody. */
  async stop(): Promise<void> {
    const { promise: late, resolve: over } = Promise.withResolvers<'late'>();
    const timer = this.#clock.after(STOP_MS, () => over('late'));
    let isLate = false;
    for (let started = this.#started.pop(); started !== undefined; started = this.#started.pop()) {
      const stopped = this.#stop(started);
      if (isLate || (await Promise.race([stopped, late])) === 'stopped') continue; // those behind one that hangs are still called
      isLate = true;
      this.#log.warn({ extension: started.file, limitMs: STOP_MS }, 'an extension did not stop in time');
    }
    timer.cancel();
  }

  async #stop({ file, extension }: Started): Promise<'stopped'> {
    try {
      await extension.stop?.();
    } catch (error) {
      this.#log.error({ err: error, extension: file }, 'an extension could not be stopped');
    }
    return 'stopped';
  }
}

async function extensionIn(file: string): Promise<Extension> {
  const loaded = await loadModule(pathToFileURL(resolve(file))).catch((error: unknown) => {
    throw error instanceof BackendProblem ? new BackendProblem(`EXTENSIONS: ${error.message}`, { cause: error.cause }) : error;
  });
  const own = loaded['start'] === undefined ? Object(loaded['default']) : loaded;
  const { start, stop } = own as Readonly<Record<string, unknown>>;
  if (typeof start !== 'function') throw new BackendProblem(`EXTENSIONS: ${file} must export a function start, ${shown(start)} came`);
  if (stop !== undefined && typeof stop !== 'function')
    throw new BackendProblem(`EXTENSIONS: the export stop of ${file} must be a function, ${shown(stop)} came`);
  return own as Extension;
}

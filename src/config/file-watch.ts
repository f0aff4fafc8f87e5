import { readFile } from 'node:fs/promises';
import type { Clock, Log, Timer } from '../core/ports.ts';

/** How often files are looked at: what is replaced on disk is in use well within ten seconds. */
const LOOK_EVERY_MS = 2_000;

export type FileWatchOptions = { readonly clock: Clock; readonly log: Log; readonly everyMs?: number };

/** Files that belong together: a certificate and its key. */
export type Watched = {
  readonly paths: readonly string[];
  /** What is in use now. */
  readonly inUse: readonly Buffer[];
  /** Takes new content into use. Says what is wrong with it and changes nothing, or returns null. */
  readonly use: (contents: readonly Buffer[]) => string | null;
};

type Group = Watched & { seen: readonly Buffer[]; complaint: string | null };

/**
 * Reads a few small files again and again, and tells when their content has changed. It compares content, not times: that
 * sees atomic renames, the swapped links of Kubernetes, bind mounts and network file systems alike, which change events of
 * the system do not. What cannot be used is told once in the log, and what was in use stays.
 */
export class FileWatch {
  readonly #options: FileWatchOptions;
  readonly #groups: Group[] = [];
  #timer: Timer | null = null;
  #looking: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(options: FileWatchOptions) {
    this.#options = options;
  }

  add(watched: Watched): void {
    this.#groups.push({ ...watched, seen: watched.inUse, complaint: null });
    if (this.#timer === null) this.#wait();
  }

  /** Looks now, behind a look that is under way. Never rejects. */
  look(): Promise<void> {
    this.#looking = this.#looking.then(() => this.#lookAtAll());
    return this.#looking;
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  #wait(): void {
    if (this.#isStopped) return;
    this.#timer = this.#options.clock.after(this.#options.everyMs ?? LOOK_EVERY_MS, () => {
      void this.look().then(() => this.#wait());
    });
  }

  async #lookAtAll(): Promise<void> {
    for (const group of this.#groups) await this.#lookAt(group);
  }

  async #lookAt(group: Group): Promise<void> {
    const { log } = this.#options;
    const files = group.paths.join(', ');
    let contents: Buffer[];
    try {
      contents = await Promise.all(group.paths.map((path) => readFile(path)));
    } catch (error) {
      this.#complain(group, (error as Error).message);
      return;
    }
    const { seen } = group;
    if (this.#isStopped || contents.every((content, index) => seen[index]?.equals(content) === true)) {
      group.complaint = null;
      return;
    }
    group.seen = contents;
    const problem = group.use(contents);
    if (problem === null) log.info({ files }, 'files were read again and are in use');
    else this.#complain(group, problem);
  }

  /** Once for each thing that is wrong. */
  #complain(group: Group, problem: string): void {
    if (problem === group.complaint) return;
    group.complaint = problem;
    this.#options.log.error({ files: group.paths.join(', '), problem }, 'files cannot be used, what they held before stays in use');
  }
}

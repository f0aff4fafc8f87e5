import { readdirSync, statSync, watch, type FSWatcher } from 'node:fs';
import { dirname, join } from 'node:path';

/** Editors write a file in several steps, and compilers write many files. */
const SETTLE_MS = 100;
/** Far beyond any service's own code; what lies in further ones is not watched. */
const MOST_FOLDERS = 2_000;

export type WatchOptions = {
  /** With all that is in it, but for hidden folders and `node_modules`. */
  readonly folder: string;
  /** Files elsewhere. */
  readonly files: readonly string[];
  /** Told once for what happens in one moment. */
  readonly changed: (files: readonly string[]) => void;
};

/** Tells of files that are changed, made or removed. Watches when its constructor returns. */
export class Watch {
  readonly #changed: WatchOptions['changed'];
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #pending = new Set<string>();
  #timer: NodeJS.Timeout | null = null;
  #isClosed = false;

  constructor({ folder, files, changed }: WatchOptions) {
    this.#changed = changed;
    this.#addTree(folder);
    const wanted = new Set(files);
    for (const place of new Set(files.map(dirname)))
      // a watched folder outlives a file that an editor puts another in the place of
      this.#add(place, (path) => wanted.has(path) && this.#happened(path));
  }

  /** Are there more folders than are watched? */
  get isFull(): boolean {
    return this.#watchers.size >= MOST_FOLDERS;
  }

  close(): void {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #addTree(folder: string): void {
    this.#add(folder, (path) => {
      if (isFolder(path)) this.#addTree(path);
      this.#happened(path);
    });
    for (const name of foldersIn(folder)) this.#addTree(join(folder, name));
  }

  #add(folder: string, happened: (path: string) => void): void {
    if (this.#isClosed || this.#watchers.has(folder) || this.isFull) return;
    try {
      const watcher = watch(folder, (_event, name) => {
        if (name !== null && !isForeign(name)) happened(join(folder, name));
      });
      const gone = (): void => {
        watcher.close();
        this.#watchers.delete(folder);
      };
      watcher.on('error', gone);
      this.#watchers.set(folder, watcher);
    } catch {
      // it went away just now, or the system has no watches left: its changes are not told
    }
  }

  #happened(path: string): void {
    if (this.#isClosed) return;
    this.#pending.add(path);
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      const files = [...this.#pending];
      this.#pending.clear();
      this.#changed(files);
    }, SETTLE_MS);
  }
}

function isForeign(name: string): boolean {
  return name.startsWith('.') || name === 'node_modules';
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() && !isForeign(entry.name) ? [entry.name] : [],
    );
  } catch {
    return [];
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

import { randomBytes } from 'node:crypto';
import { access, lstat, open, readdir, rename, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { makeDirectory } from './journal-directory.ts';

const SEGMENT = /^([0-9a-z]+-\d+-[0-9a-f]{8})\.(\d+)\.journal$/;
const LOCK = /^([0-9a-z]+-\d+-[0-9a-f]{8})\.lock$/;
const SQLITE_BUSY = 5;
const ATTEMPTS = 3;

/**
 * The files of one life of one process: segments `<name>.<number>.journal`, to be read in that order, and `<name>.lock`.
 *
 * Alive is who holds the lock, and the kernel lets go of it when a process dies, however it dies. Process ids would not
 * do: after a reboot, and as pid 1 in a container, another process has the same one. Node has no lock call of its own,
 * SQLite takes one (fcntl) on an empty file; the segments are a file apart, since closing any descriptor of a file
 * drops such a lock.
 *
 * Order makes it safe without a lock around everything: a segment is created before its lock is taken and removed
 * before its lock is, and whoever gets a lock looks whether the segments are still there.
 */
export class Incarnation {
  readonly name: string;
  readonly #directory: string;
  readonly #lock: DatabaseSync;
  /** Numbers of the segments. */
  #segments: number[];
  #damaged: ReadonlySet<string> = new Set();

  private constructor(parts: {
    readonly name: string;
    readonly directory: string;
    readonly lock: DatabaseSync;
    readonly segments: number[];
  }) {
    this.name = parts.name;
    this.#directory = parts.directory;
    this.#lock = parts.lock;
    this.#segments = parts.segments;
  }

  /** A new life, with its first segment. Rejects with what the file system says. */
  static async begin(directory: string): Promise<{ readonly incarnation: Incarnation; readonly file: FileHandle }> {
    await makeDirectory(directory);
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const name = `${Date.now().toString(36)}-${process.pid}-${randomBytes(4).toString('hex')}`;
      const path = segmentPath(directory, name, 0);
      const file = await open(path, 'ax', 0o600);
      try {
        const lock = await takeLock(join(directory, `${name}.lock`));
        if (lock !== null) {
          const incarnation = new Incarnation({ name, directory, lock, segments: [0] });
          if (await exists(path)) return { incarnation, file };
          await incarnation.remove(); // another process was quicker, and took it for a dead one's
        }
      } catch (error) {
        await quietly(file.close());
        await quietly(unlink(path));
        throw error;
      }
      await quietly(file.close());
    }
    throw new Error(`wanted a file of its own in ${directory}, but other processes removed it ${ATTEMPTS} times`);
  }

  /** Those that have files in this directory, dead or alive. */
  static async names(directory: string): Promise<ReadonlySet<string>> {
    const files = await readdir(directory);
    return new Set(files.flatMap((file) => (SEGMENT.exec(file) ?? LOCK.exec(file))?.[1] ?? []));
  }

  /** Takes over what a dead process left; null if it lives, another process was quicker, or just its lock was left. */
  static async adopt(directory: string, name: string): Promise<Incarnation | null> {
    const path = join(directory, `${name}.lock`);
    const lock = await takeLock(path);
    if (lock === null) return null;
    const segments = (await readdir(directory)).flatMap((file) => {
      const match = SEGMENT.exec(file);
      return match?.[1] === name ? [Number(match[2])] : [];
    });
    const incarnation = new Incarnation({ name, directory, lock, segments: segments.toSorted((a, b) => a - b) });
    if (segments.length > 0) return incarnation;
    await incarnation.remove();
    return null;
  }

  get files(): readonly string[] {
    return this.#segments.map((number) => segmentPath(this.#directory, this.name, number));
  }

  async addSegment(): Promise<FileHandle> {
    const number = (this.#segments.at(-1) ?? -1) + 1;
    const file = await open(segmentPath(this.#directory, this.name, number), 'ax', 0o600);
    this.#segments.push(number);
    return file;
  }

  /** Removes all segments but the last. */
  async removeOldSegments(): Promise<void> {
    const old = this.files.slice(0, -1);
    this.#segments = this.#segments.slice(-1);
    for (const file of old) await quietly(unlink(file));
  }

  /** These are renamed, not removed, for someone to look at. */
  keepAside(files: Iterable<string>): void {
    this.#damaged = new Set(files);
  }

  async remove(): Promise<void> {
    for (const file of this.files) await quietly(this.#damaged.has(file) ? rename(file, `${file}.damaged`) : unlink(file));
    await quietly(unlink(join(this.#directory, `${this.name}.lock`)));
    this.release();
  }

  /** Leaves the files to whoever adopts them. */
  release(): void {
    if (this.#lock.isOpen) this.#lock.close();
  }
}

function segmentPath(directory: string, name: string, number: number): string {
  return join(directory, `${name}.${number}.journal`);
}

/** Null if another holds it. Throws what SQLite says for anything else. */
async function takeLock(path: string): Promise<DatabaseSync | null> {
  const found = await lstat(path).catch(() => null);
  if (found !== null && !found.isFile()) throw new Error(`${path} is not a regular file`); // SQLite would read a FIFO, and wait for ever
  const { DatabaseSync } = await import('node:sqlite'); // only who keeps a journal loads it
  const lock = new DatabaseSync(path, { timeout: 0 });
  try {
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE'); // the lock file stays empty, and alone
    return lock;
  } catch (error) {
    lock.close();
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) return null;
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Tidying up: what it leaves behind costs a little space and a second telling, never a loss. */
async function quietly(work: Promise<unknown>): Promise<void> {
  await work.catch(() => {});
}

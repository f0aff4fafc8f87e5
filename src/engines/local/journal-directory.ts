import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/**
 * Makes the directory and those above it, for its user alone. Node's own `recursive` tries for ever where a parent exists
 * and takes no directory, in /proc for one. Rejects with what the file system says.
 */
export async function makeDirectory(directory: string): Promise<void> {
  const path = resolve(directory);
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && dirname(path) !== path) {
      await makeDirectory(dirname(path));
      await mkdir(path, { mode: 0o700 }).catch(unlessThere(path));
    } else await unlessThere(path)(error);
  }
}

/** Another process may have been quicker. */
function unlessThere(path: string): (error: unknown) => Promise<void> {
  return async (error) => {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !(await stat(path)).isDirectory()) throw error;
  };
}

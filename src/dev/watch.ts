import { sep } from 'node:path';
import { watch } from 'chokidar';

/** Editors write a file in several steps, and compilers write many files. */
const SETTLE_MS = 100;
/** Not the user's own code. */
const FOREIGN = new Set(['node_modules', '.git', '.serverless', '.aws-sam', '.esbuild']);

export type Watch = { readonly close: () => Promise<void> };

/** Tells of files under these paths that were changed, made or removed, once for what happens in one moment. Resolves when it watches. */
export async function watchFiles(paths: readonly string[], changed: (files: readonly string[]) => void): Promise<Watch> {
  const pending = new Set<string>();
  let timer: NodeJS.Timeout | null = null;
  const watcher = watch([...paths], {
    ignoreInitial: true,
    ignored: (path) => path.split(sep).some((part) => FOREIGN.has(part)),
  });
  watcher.on('all', (_event, path) => {
    pending.add(path);
    timer ??= setTimeout(() => {
      timer = null;
      const files = [...pending];
      pending.clear();
      changed(files);
    }, SETTLE_MS);
  });
  await new Promise<void>((resolve, reject) => {
    watcher.once('ready', resolve);
    watcher.once('error', reject);
  });
  watcher.on('error', () => {}); // a folder that goes away is told as a change
  return {
    async close() {
      if (timer !== null) clearTimeout(timer);
      await watcher.close();
    },
  };
}

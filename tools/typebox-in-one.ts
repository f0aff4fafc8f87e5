import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const ENTRIES = ['typebox', 'typebox/compile', 'typebox/value'];

/**
 * TypeBox is 700 files, a quarter of what a process of the tests reads. As in the built program they are put into few; returns
 * what tells Node of them (`--import`).
 */
export async function typeboxInOne(): Promise<string> {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'node_modules/typebox/package.json'), 'utf8')) as { version: string };
  const folder = join(ROOT, 'node_modules/.cache', `typebox-${version}`);
  const fileOf = (entry: string): string => join(folder, `${entry.replace('/', '-')}.mjs`);
  if (!ENTRIES.every((entry) => existsSync(fileOf(entry)))) {
    const { rolldown } = await import('rolldown');
    const input = Object.fromEntries(ENTRIES.map((entry) => [entry.replace('/', '-'), entry]));
    const bundle = await rolldown({ input, cwd: ROOT, platform: 'node' });
    await bundle.write({ dir: folder, format: 'esm', entryFileNames: '[name].mjs', chunkFileNames: '[name]-[hash].mjs' });
    await bundle.close();
  }
  const urls = Object.fromEntries(ENTRIES.map((entry) => [entry, pathToFileURL(fileOf(entry)).href]));
  const hook = `import { registerHooks } from 'node:module';
    const urls = ${JSON.stringify(urls)};
    registerHooks({ resolve: (name, context, next) => Object.hasOwn(urls, name) ? { url: urls[name], format: 'module', shortCircuit: true } : next(name, context) });`;
  return `data:text/javascript,${encodeURIComponent(hook)}`;
}

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { AwsCode } from './aws-api.ts';

const EXTENSIONS: readonly string[] = ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts'];

/** `src/chat.handlers.send` is the file `src/chat` and its export `handlers.send`, as Lambda reads it. */
export function partsOf(handler: string): { readonly module: string; readonly export: string } | null {
  const [, module, name] = /^((?:.*\/)?[^./][^./]*)\.([^/]+)$/.exec(handler) ?? [];
  return module === undefined || name === undefined ? null : { module, export: name };
}

/** The file of a handler under one of these folders, the first that has it: JavaScript before TypeScript. */
export async function handlerCode(handler: string, folders: readonly string[]): Promise<AwsCode> {
  const parts = partsOf(handler);
  if (parts === null) return { type: 'missing', said: `a handler such as src/chat.handler was wanted, ${JSON.stringify(handler)} came` };
  for (const folder of folders) {
    for (const extension of EXTENSIONS) {
      const file = join(folder, `${parts.module}${extension}`);
      if (await isFile(file)) return { type: 'file', file, root: folder, export: parts.export };
    }
  }
  const tried = folders.map((folder) => join(folder, `${parts.module}{${EXTENSIONS.join(',')}}`));
  return { type: 'missing', said: `the handler's file is not there: ${tried.join(' or ')}` };
}

async function isFile(file: string): Promise<boolean> {
  return stat(file).then(
    (found) => found.isFile(),
    () => false,
  );
}

/** Why the code of this runtime cannot run in Node, or null. */
export function foreignRuntime(runtime: string): string | null {
  return runtime.startsWith('nodejs') ? null : `its runtime is ${runtime === '' ? 'not told' : runtime}, and only Node's handlers run here`;
}

import { existsSync, statSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type { Handler } from './call.ts';
import { findTypeScriptImports } from './typescript-imports.ts';

/** Why a function cannot run, in the words of AWS Lambda's runtime. */
export class LoadError extends Error {
  readonly errorType: string;

  constructor(errorType: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.errorType = errorType;
  }
}

/** In the order in which Lambda looks for a handler's file, and then those that Node reads as TypeScript. */
const ENDINGS = ['', '.js', '.mjs', '.cjs', '.ts', '.mts', '.cts', '/index.js', '/index.mjs', '/index.cjs', '/index.ts'];

/** Loads the file, as CommonJS or as an ES module, whichever it is. Throws a LoadError, or what the file itself throws. */
export async function findHandler(file: string, name: string): Promise<Handler> {
  const path = ENDINGS.map((ending) => file + ending).find((candidate) => existsSync(candidate) && statSync(candidate).isFile());
  if (path === undefined) throw new LoadError('Runtime.ImportModuleError', `Error: Cannot find module '${file}'`);
  if (/\.[mc]?ts$/.test(path)) findTypeScriptImports();
  const exports = await load(path);
  const handler = pick(exports, name) ?? pick(pick(exports, 'default'), name);
  if (handler === undefined) throw new LoadError('Runtime.HandlerNotFound', `${path}: ${name} is undefined or not exported`);
  if (typeof handler !== 'function') throw new LoadError('Runtime.HandlerNotFound', `${path}: ${name} is not a function`);
  return handler as Handler;
}

async function load(path: string): Promise<unknown> {
  try {
    return (await import(pathToFileURL(path).href)) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) throw new LoadError('Runtime.UserCodeSyntaxError', `SyntaxError: ${error.message}`, error);
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND')
      throw new LoadError('Runtime.ImportModuleError', `Error: ${(error as Error).message}`, error);
    throw error;
  }
}

function pick(from: unknown, name: string): unknown {
  let value = from;
  for (const part of name.split('.')) {
    if (typeof value !== 'object' && typeof value !== 'function') return undefined;
    value = (value as Readonly<Record<string, unknown>> | null)?.[part];
  }
  return value;
}

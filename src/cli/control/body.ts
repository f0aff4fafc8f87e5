import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import type { ParseArgsOptionsConfig } from 'node:util';
import { EXIT_BAD_INPUT } from '../exit-codes.ts';
import { CommandProblem, misused } from './problem.ts';

export const BODY = {
  file: { type: 'string' },
  binary: { type: 'boolean' },
} as const satisfies ParseArgsOptionsConfig;

export const BODY_USAGE = `
  --file FILE      the message is this file; - is standard input
  --binary         as a binary frame; else it is text, which must be UTF-8`;

type Given = { readonly file?: string | undefined; readonly binary?: boolean | undefined };
export type Body = { readonly body: Uint8Array<ArrayBuffer>; readonly type: string };

/** A message: a word of the line, a file, or what comes on standard input. */
export async function bodyOf(word: string | undefined, { file, binary = false }: Given): Promise<Body> {
  if (word !== undefined && file !== undefined) throw misused('the message is given twice: as a word and as --file');
  const type = binary ? 'application/octet-stream' : 'text/plain; charset=utf-8';
  if (word !== undefined) return { body: copyOf(Buffer.from(word)), type };
  return { body: file === undefined || file === '-' ? await standardInput() : await contentOf(file), type };
}

/** A terminal would be waited for without anybody knowing. */
async function standardInput(): Promise<Uint8Array<ArrayBuffer>> {
  if (process.stdin.isTTY) throw misused('which message? Give it as a word, with --file, or on standard input');
  return copyOf(await buffer(process.stdin));
}

async function contentOf(file: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return copyOf(await readFile(file));
  } catch (error) {
    throw new CommandProblem(EXIT_BAD_INPUT, `the message cannot be read: ${(error as Error).message}`);
  }
}

function copyOf(bytes: Buffer): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

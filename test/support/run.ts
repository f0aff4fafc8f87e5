import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { AROUND, MAIN, YOUNG } from './gateway.ts';

export type Run = { readonly code: number | null; readonly out: string; readonly errors: string };

/** Runs the emitted program to its end, with these variables and no others of ours. */
export async function run(env: Record<string, string>, argv: readonly string[] = [], cwd = '/'): Promise<Run> {
  const child = spawn(process.execPath, [YOUNG, MAIN, ...argv], {
    cwd,
    env: { ...AROUND, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
  });
  let out = '';
  let errors = '';
  child.stdout.on('data', (chunk) => (out += String(chunk)));
  child.stderr.on('data', (chunk) => (errors += String(chunk)));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out, errors };
}

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { Arrivals } from './arrivals.ts';

export type Program = {
  readonly url: string;
  /** What it prints, both streams. */
  readonly lines: Arrivals<string>;
  readonly process: ChildProcess;
};

/** A server program that says where it listens in a line that `url` matches; ends with the test. */
export async function startProgram(
  t: Pick<TestContext, 'after'>,
  { command, argv, url }: { readonly command: string; readonly argv: readonly string[]; readonly url: RegExp },
): Promise<Program> {
  const child = spawn(command, argv, { env: { ...process.env, PORT: '0' }, stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'close');
  t.after(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const lines = new Arrivals<string>();
  for (const output of [child.stdout, child.stderr]) createInterface({ input: output }).on('line', (line) => lines.add(line));
  const line = await Promise.race([
    lines.first((text) => url.test(text)),
    exited.then(([code]) => Promise.reject(new Error(`${command} ended with ${String(code)}: ${lines.all.join('\n')}`))),
  ]);
  return { url: url.exec(line)?.[1] ?? '', lines, process: child };
}

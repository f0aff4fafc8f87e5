import { EXIT_BAD_INPUT, EXIT_USAGE } from '../exit-codes.ts';

/** What a command says on its two streams. */
export type Said = { readonly stdout?: string; readonly stderr?: readonly string[]; readonly exitCode: number };

/** Whoever reads may leave in the middle, as `head` does. */
export function say({ stdout = '', stderr = [], exitCode }: Said): number {
  process.stdout.on('error', () => {});
  if (stdout !== '') process.stdout.write(stdout);
  for (const line of stderr) process.stderr.write(`${line}\n`);
  return exitCode;
}

/** The line was not understood. */
export function misused(problem: string, usage: string): Said {
  return { stderr: [problem, '', usage.trimEnd()], exitCode: EXIT_USAGE };
}

/** A file is not what was wanted. */
export function unreadable({ message }: Error): Said {
  return { stderr: [message], exitCode: EXIT_BAD_INPUT };
}

export function helped(usage: string): Said {
  return { stdout: usage, exitCode: 0 };
}

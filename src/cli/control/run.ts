import { once } from 'node:events';
import type { ParseArgsOptionsConfig } from 'node:util';
import { EXIT_TRY_AGAIN } from '../exit-codes.ts';
import { clientOf, type ClientFlags, type ControlClient } from './client.ts';
import { readLine, type Line } from './line.ts';
import { CommandProblem } from './problem.ts';
import { visible } from './visible.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export type ControlCommand<Flags extends ParseArgsOptionsConfig> = {
  readonly usage: string;
  readonly flags: Flags;
  /** Resolves with the exit code, or throws a `CommandProblem`. */
  readonly act: (line: Line<Flags>, client: ControlClient) => Promise<number>;
};

/** Runs a client of the control API: help, mistakes and refusals are the same for all. */
export async function runControl<Flags extends ParseArgsOptionsConfig>(
  { usage, flags, act }: ControlCommand<Flags>,
  argv: readonly string[],
  env: Environment,
): Promise<number> {
  process.stdout.off('error', leave).on('error', leave);
  try {
    const line = readLine(argv, flags);
    const values: ClientFlags & { readonly help?: boolean } = line.values;
    if (values.help === true) {
      await print(usage);
      return 0;
    }
    return await act(line, await clientOf(values, env));
  } catch (error) {
    if (!(error instanceof CommandProblem)) throw error;
    process.stderr.write(`wsaas: ${visible(error.message)}\n`);
    return error.exitCode;
  }
}

/** Whoever reads may leave in the middle, as `head` does. */
function leave(): void {
  process.exit(0);
}

/** Waits for a reader that is slower. */
export async function print(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}

/** Prints an answer's body as it is. One that lacks a node says so, and is not wholly done. */
export async function printAnswer(response: Response): Promise<number> {
  const isWords = response.headers.get('content-type')?.startsWith('text/plain') === true;
  const text = isWords ? (await response.text()).split('\n').map(visible).join('\n') : await response.text();
  await print(text === '' || text.endsWith('\n') ? text : `${text}\n`);
  return exitCodeOf(response);
}

export function exitCodeOf({ headers }: Response): number {
  const lacking = headers.get('ws-incomplete');
  if (lacking === null) return 0;
  process.stderr.write(`wsaas: not everybody answered: ${lacking === '*' ? 'the other nodes did not' : `${lacking} did not`}\n`);
  return EXIT_TRY_AGAIN;
}

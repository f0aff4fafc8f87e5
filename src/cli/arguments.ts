import { distance } from 'fastest-levenshtein';
import { COMMANDS, type Command } from './commands.ts';

export type Action = 'serve' | 'help' | 'version' | 'check-config';

/** Every flag, with what it does and how `--help` says it. */
export const FLAGS = {
  '--help': { action: 'help', help: 'print this and exit' },
  '-h': { action: 'help', help: 'the same' },
  '--version': { action: 'version', help: 'print the version and exit' },
  '--check-config': { action: 'check-config', help: 'validate the configuration, print it with secrets masked, and exit' },
} as const satisfies Record<string, { readonly action: Action; readonly help: string }>;

/** Flags with a file behind them, for a process that serves. */
export const FILE_FLAGS = {
  '--cpu-profile': { file: 'cpu', help: "write a CPU profile of the process's life (ten minutes of it at most) when it ends" },
  '--heap-profile': { file: 'heap', help: 'write what the memory was allocated by that is in use when it ends' },
} as const;

/** Paths; null: not wanted. */
export type Files = { readonly cpu: string | null; readonly heap: string | null };

const NEAR = 3;

/** A command with what follows it on the line, which it reads itself. */
export type Asked = { readonly command: Command; readonly argv: readonly string[] };

/** What is asked for, or what cannot be understood of it. Help wins over the rest, so that one can ask for it at the end of a line. */
export function readArguments(argv: readonly string[]): Action | Asked | { readonly files: Files } | { readonly problem: string } {
  const [name = '', ...rest] = argv;
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command !== undefined) return { command, argv: rest };
  const actions = new Set<Action>();
  const files: { -readonly [File in keyof Files]: Files[File] } = { cpu: null, heap: null };
  for (let index = 0; index < argv.length; index += 1) {
    const argument = argv[index] ?? '';
    const [flag = '', ...given] = argument.split('=');
    if (isFlag(argument)) {
      actions.add(FLAGS[argument].action);
    } else if (isFileFlag(flag)) {
      const path = given.length > 0 ? given.join('=') : (argv[(index += 1)] ?? '');
      if (path === '' || path.startsWith('-'))
        return { problem: `${flag} needs a file to write into, as in ${flag} wsaas.${flag.slice(2, -8)}profile` };
      files[FILE_FLAGS[flag].file] = path;
    } else {
      return { problem: problemOf(argument) };
    }
  }
  const action = (['help', 'version', 'check-config'] as const).find((one) => actions.has(one));
  return action ?? (files.cpu === null && files.heap === null ? 'serve' : { files });
}

function isFileFlag(argument: string): argument is keyof typeof FILE_FLAGS {
  return Object.hasOwn(FILE_FLAGS, argument);
}

function isFlag(argument: string): argument is keyof typeof FLAGS {
  return Object.hasOwn(FLAGS, argument);
}

function problemOf(argument: string): string {
  const [name = ''] = argument.split('=');
  const kind = argument.startsWith('-') ? 'flag' : 'command';
  const meant = Object.keys(kind === 'flag' ? { ...FLAGS, ...FILE_FLAGS } : COMMANDS).find(
    (known) => known.length > NEAR && distance(name, known) <= NEAR,
  );
  const hint = meant === undefined ? '' : ` Did you mean ${meant}?`;
  return `wsaas knows no ${kind} ${JSON.stringify(argument)}.${hint} It is configured by environment variables; wsaas --help lists them.`;
}

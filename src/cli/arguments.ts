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

const NEAR = 3;

/** A command with what follows it on the line, which it reads itself. */
export type Asked = { readonly command: Command; readonly argv: readonly string[] };

/** What is asked for, or what cannot be understood of it. Help wins over the rest, so that one can ask for it at the end of a line. */
export function readArguments(argv: readonly string[]): Action | Asked | { readonly problem: string } {
  const [name = '', ...rest] = argv;
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command !== undefined) return { command, argv: rest };
  const actions = new Set<Action>();
  for (const argument of argv) {
    if (!isFlag(argument)) return { problem: problemOf(argument) };
    actions.add(FLAGS[argument].action);
  }
  return (['help', 'version', 'check-config'] as const).find((action) => actions.has(action)) ?? 'serve';
}

function isFlag(argument: string): argument is keyof typeof FLAGS {
  return Object.hasOwn(FLAGS, argument);
}

function problemOf(argument: string): string {
  const [name = ''] = argument.split('=');
  const kind = argument.startsWith('-') ? 'flag' : 'command';
  const meant = Object.keys(kind === 'flag' ? FLAGS : COMMANDS).find((known) => known.length > NEAR && distance(name, known) <= NEAR);
  const hint = meant === undefined ? '' : ` Did you mean ${meant}?`;
  return `wsaas knows no ${kind} ${JSON.stringify(argument)}.${hint} It is configured by environment variables; wsaas --help lists them.`;
}

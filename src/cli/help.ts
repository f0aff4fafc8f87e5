import type { TSchema } from 'typebox';
import { FILE_FLAGS, FLAGS } from './arguments.ts';
import { COMMANDS } from './commands.ts';

const INDENT = 4;
const WIDTH = 100;
const FLAG_WIDTH = 22;

/** The text of `--help`, made of the table of options. */
export function helpText(options: Readonly<Record<string, TSchema>>): string {
  const flags = Object.entries(FLAGS).map(([flag, { help }]) => `  ${flag.padEnd(FLAG_WIDTH)}${help}`);
  const fileFlags = Object.entries(FILE_FLAGS).map(([flag, { help }]) => `  ${`${flag} FILE`.padEnd(FLAG_WIDTH)}${help}`);
  const commands = Object.entries(COMMANDS).map(([name, { help }]) => `  ${name.padEnd(FLAG_WIDTH)}${help}`);
  return [
    'wsaas: holds WebSocket clients and turns what they do into plain HTTP.',
    '',
    'Usage: wsaas [flag or command]. Without one it serves, configured by environment variables and a .env file.',
    '',
    ...flags,
    ...fileFlags,
    '',
    ...(commands.length > 0 ? ['Commands; each tells more with --help:', '', ...commands, ''] : []),
    'Variables, with their defaults:',
    '',
    ...Object.entries(options).map(([name, schema]) => optionText(name, schema)),
    'Example: API_URI=http://localhost:3000/websocket wsaas',
    '',
  ].join('\n');
}

function optionText(name: string, schema: TSchema): string {
  const { description = '', default: standard } = schema as { description?: string; default?: string | number };
  const title = standard === undefined ? `  ${name}` : `  ${name}=${String(standard)}`;
  return `${title}\n${wrapped(description.replaceAll('`', ''))}`;
}

function wrapped(text: string): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= WIDTH - INDENT) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.map((line) => `${' '.repeat(INDENT)}${line}\n`).join('');
}

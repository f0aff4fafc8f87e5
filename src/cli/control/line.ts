import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';
import { misused } from './problem.ts';
import { SECURED } from './secured.ts';

/** What every client of the control API takes. */
const COMMON = {
  help: { type: 'boolean', short: 'h' },
  url: { type: 'string' },
  token: { type: 'string' },
  ...SECURED,
  json: { type: 'boolean' },
} as const satisfies ParseArgsOptionsConfig;

export const COMMON_USAGE = `
  --url URL        the control API; default CONTROL_URL, else http://localhost:8080
  --token TOKEN    default CONTROL_TOKEN, which other users of this machine cannot see
  --ca FILE        trust certificates of this authority alone (PEM); default CONTROL_CA_FILE, else those that Node trusts
  --cert FILE      the certificate to come with, where callers need one (PEM); default CONTROL_CERT_FILE
  --key FILE       its private key (PEM); default CONTROL_KEY_FILE
  --json           answer for machines
  -h, --help       this text

Exit codes: 0 done, 64 misused, 65 the gateway will not take that, 67 no such connection, 69 no gateway there,
75 not now or not wholly, try again, 77 not allowed.
`;

type Values<Flags extends ParseArgsOptionsConfig> = ReturnType<
  typeof parseArgs<{ options: typeof COMMON & Flags; allowPositionals: true }>
>['values'];

export type Line<Flags extends ParseArgsOptionsConfig> = { readonly values: Values<Flags>; readonly words: readonly string[] };

/** An id that the gateway gave may begin with a hyphen, and is no flag. No argument of a program can hold the mark. */
const GIVEN_ID = /^-[\w-]{29}$/;
const MARK = '\0';

function unmark<Value>(value: Value): Value {
  return typeof value === 'string' && value.startsWith(MARK) ? (value.slice(1) as Value) : value;
}

/** The flags of a command and the words beside them. Throws a `CommandProblem` for a flag that it does not have. */
export function readLine<Flags extends ParseArgsOptionsConfig>(argv: readonly string[], flags: Flags): Line<Flags> {
  try {
    const args = argv.map((text) => (GIVEN_ID.test(text) ? `${MARK}${text}` : text));
    const { values, positionals } = parseArgs({ args, options: { ...COMMON, ...flags }, allowPositionals: true });
    const unmarked = Object.entries(values).map(([name, value]) => [name, Array.isArray(value) ? value.map(unmark) : unmark(value)]);
    return { values: Object.fromEntries(unmarked) as Values<Flags>, words: positionals.map(unmark) };
  } catch (error) {
    const [what = ''] = (error as Error).message.split(/\. |\n/);
    throw misused(`${what}; --help tells what there is`);
  }
}

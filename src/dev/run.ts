import { helped, misused, say, unreadable } from '../cli/commands/speech.ts';
import { readLine, TEMPLATE_FLAGS, TEMPLATE_USAGE, templateOptions } from '../cli/commands/template-arguments.ts';
import { startProblemOf } from '../cli/start-problem.ts';
import { TemplateError } from '../templates/notes.ts';
import { humanOutput, jsonOutput } from './output.ts';
import { startSession, type SessionOptions } from './session.ts';

const DEFAULT_PORT = 3_001;

const USAGE = `Usage: wsaas dev <template> [flags]

Runs the WebSocket APIs of a template on this machine, with its handlers: a serverless.yml, a SAM or CloudFormation
template (YAML or JSON), or what cdk synth wrote (the folder cdk.out). Handlers are loaded anew when a file changes, open
connections stay. Ctrl-C ends all. No account, no container, no other tool is needed.

${TEMPLATE_USAGE}  --port PORT             where clients connect and handlers post to (default ${DEFAULT_PORT}; 0: a free one)
  --host ADDRESS          the address to listen on (default 127.0.0.1)
  --events                show each event and what the function returned
  --json                  a JSON document on each line, for programs
  -h, --help              this text
`;

const FLAGS = {
  ...TEMPLATE_FLAGS,
  port: { type: 'string' },
  host: { type: 'string' },
  events: { type: 'boolean' },
  json: { type: 'boolean' },
} as const;

/** `wsaas dev` (docs/aws.md#at-home). Resolves when a signal has ended it. */
export async function run(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): Promise<number> {
  const line = readLine(argv, FLAGS, 'A template');
  if (typeof line === 'string') return say(misused(line, USAGE));
  const { values, file } = line;
  if (values.help) return say(helped(USAGE));
  const options = templateOptions(values, env);
  if (typeof options === 'string') return say(misused(options, USAGE));
  const port = Number(values.port ?? DEFAULT_PORT);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) return say(misused(`--port takes 0 to 65535; ${values.port} came.`, USAGE));
  process.stdout.on('error', () => {});
  const shown = { write: (text: string) => void process.stdout.write(text), hasColors: process.stdout.isTTY && process.stdout.hasColors() };
  const showsEvents = values.events === true;
  const output = values.json ? jsonOutput({ ...shown, showsEvents }) : humanOutput({ ...shown, showsEvents });
  return serve({ template: file, options, apis: values.api, host: values.host ?? '127.0.0.1', port, output });
}

async function serve(options: SessionOptions): Promise<number> {
  const { told } = options.output;
  const ended = signalled(); // before anything runs, so that no signal is lost
  try {
    const session = await startSession(options);
    for (const [name, url] of session.urls) told(`${name}  ${url}`);
    told('Ctrl-C ends it.');
    await ended;
    told('ending: clients are told goodbye, and their $disconnect runs');
    await session.close();
    return 0;
  } catch (error) {
    if (error instanceof TemplateError) return say(unreadable(error));
    const problem = startProblemOf(error);
    if (problem === null) throw error;
    const wanted = problem.message.replace(/choose another PORT.*$/, 'choose another --port');
    return say({ stderr: [wanted], exitCode: problem.exitCode });
  }
}

/** Of one Ctrl-C: npm passes it on, so that it may come twice. */
const ONE_CTRL_C_MS = 1_000;
const EXIT_INTERRUPTED = 130;

/** The first signal ends the session, a later one the process. */
function signalled(): Promise<void> {
  return new Promise((resolve) => {
    let first: number | null = null;
    const heard = (): void => {
      first ??= performance.now();
      resolve();
      if (performance.now() - first > ONE_CTRL_C_MS) process.exit(EXIT_INTERRUPTED);
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, heard);
  });
}

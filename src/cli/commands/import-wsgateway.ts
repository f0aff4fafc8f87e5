import { helped, misused, say, unreadable, type Said } from './speech.ts';
import { readLine } from './template-arguments.ts';
import { TemplateError } from '../../templates/notes.ts';
import { routesText } from '../../templates/routes-text.ts';
import { readWsgateway } from '../../templates/wsgateway/read.ts';

const USAGE = `Usage: wsaas import-wsgateway <config.yml> > routes.yaml

Prints a routes file on stdout, with the environment variables that belong to it in its first lines, and on stderr what of
wsgateway's configuration could not be mapped.

  -h, --help  this text
`;

/** `wsaas import-wsgateway` (docs/migration.md#from-wsgateway). */
export function run(argv: readonly string[]): Promise<number> {
  return Promise.resolve(say(imported(argv)));
}

function imported(argv: readonly string[]): Said {
  const line = readLine(argv, { help: { type: 'boolean', short: 'h' } } as const, "wsgateway's config.yml");
  if (typeof line === 'string') return misused(line, USAGE);
  if (line.values.help) return helped(USAGE);
  try {
    const { routes, environment, notes } = readWsgateway(line.file);
    const variables = Object.entries(environment).map(([name, value]) => `  ${name}=${value}`);
    const remarks = [`Made by wsaas import-wsgateway of ${line.file}. Start the gateway with this file and these variables:`, ...variables];
    return { stdout: routesText(routes, remarks), stderr: notes, exitCode: 0 };
  } catch (error) {
    if (error instanceof TemplateError) return unreadable(error);
    throw error;
  }
}

import { BODY, BODY_USAGE, bodyOf } from '../control/body.ts';
import { COMMON_USAGE } from '../control/line.ts';
import { misused } from '../control/problem.ts';
import { printAnswer, runControl, type Environment } from '../control/run.ts';
import { neededSelector, SELECTION, SELECTION_USAGE } from '../control/selection.ts';

const USAGE = `Usage: wsaas send --tag KEY=VALUE | --id ID | --all [message]

Pushes one message to all connections that are selected, and prints how many it was sent to.
Without a message, it is read from standard input.
${SELECTION_USAGE}${BODY_USAGE}${COMMON_USAGE}`;

/** `wsaas send` (docs/cli.md#send). */
export function run(argv: readonly string[], env: Environment): Promise<number> {
  return runControl(
    {
      usage: USAGE,
      flags: { ...SELECTION, ...BODY },
      async act({ values, words: [word, ...more] }, client) {
        if (more.length > 0) throw misused('a message is one word of the line: put it into quotes');
        const selector = neededSelector(values);
        const accept = values.json === true ? 'application/json' : 'text/plain';
        return printAnswer(await client.ask('send', { query: selector, method: 'POST', accept, ...(await bodyOf(word, values)) }));
      },
    },
    argv,
    env,
  );
}

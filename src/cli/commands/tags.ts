import { COMMON_USAGE } from '../control/line.ts';
import { misused } from '../control/problem.ts';
import { printAnswer, runControl, type Environment } from '../control/run.ts';
import { neededSelector, pairsOf, SELECTION, SELECTION_USAGE, selectorOf } from '../control/selection.ts';

const USAGE = `Usage: wsaas tags
       wsaas tags --tag KEY=VALUE | --id ID | --all  KEY=VALUE…

Prints every tag that some connection has; or sets tags of all connections that are selected, and prints how many changed.
An empty value deletes a tag.
${SELECTION_USAGE}${COMMON_USAGE}`;

/** `wsaas tags` (docs/cli.md#tags). */
export function run(argv: readonly string[], env: Environment): Promise<number> {
  return runControl(
    {
      usage: USAGE,
      flags: SELECTION,
      async act({ values, words }, client) {
        const accept = values.json === true ? 'application/json' : 'text/plain';
        if (words.length === 0) {
          if (selectorOf(values) !== null) throw misused('which tags shall they get? Say KEY=VALUE, or KEY= to delete one');
          return printAnswer(await client.ask('tree', { accept }));
        }
        const changes = new URLSearchParams(pairsOf(words)).toString();
        const type = 'application/x-www-form-urlencoded';
        const query = neededSelector(values);
        return printAnswer(await client.ask('settags', { query, method: 'POST', accept, body: changes, type }));
      },
    },
    argv,
    env,
  );
}

import { COMMON_USAGE } from '../control/line.ts';
import { misused } from '../control/problem.ts';
import { printAnswer, runControl, type Environment } from '../control/run.ts';
import { SELECTION, SELECTION_USAGE, selectorOf } from '../control/selection.ts';

const USAGE = `Usage: wsaas count [--tag KEY=VALUE | --id ID]

Prints how many connections there are, in the whole cluster.
${SELECTION_USAGE}${COMMON_USAGE}`;

/** `wsaas count` (docs/cli.md#count). */
export function run(argv: readonly string[], env: Environment): Promise<number> {
  return runControl(
    {
      usage: USAGE,
      flags: SELECTION,
      async act({ values, words: [stray] }, client) {
        if (stray !== undefined) throw misused(`no word was wanted, ${JSON.stringify(stray)} came; tags are given as --tag KEY=VALUE`);
        const query = selectorOf(values) ?? new URLSearchParams({ all: 'true' });
        return printAnswer(await client.ask('count', { query, accept: 'text/plain' }));
      },
    },
    argv,
    env,
  );
}

import { BODY, bodyOf } from '../control/body.ts';
import { COMMON_USAGE } from '../control/line.ts';
import { misused } from '../control/problem.ts';
import { print, printAnswer, runControl, type Environment } from '../control/run.ts';
import { SELECTION, SELECTION_USAGE, selectorOf } from '../control/selection.ts';

const USAGE = `Usage: wsaas close <id>
       wsaas close --tag KEY=VALUE | --id ID | --all

Closes one connection, or all that are selected, and prints how many.

  --code CODE      of the close frame: 1000, if nothing is said; 1001, 1003, 1007 to 1014 or 3000 to 4999
  --reason TEXT    up to 123 bytes
  --farewell TEXT  of a selection: a message that is sent first
${SELECTION_USAGE}${COMMON_USAGE}`;

const FLAGS = {
  ...SELECTION,
  code: { type: 'string' },
  reason: { type: 'string' },
  farewell: { type: 'string' },
  binary: BODY.binary,
} as const;

/** `wsaas close` (docs/cli.md#close). */
export function run(argv: readonly string[], env: Environment): Promise<number> {
  return runControl(
    {
      usage: USAGE,
      flags: FLAGS,
      async act({ values, words: [id, ...more] }, client) {
        const { code, reason, farewell, json } = values;
        const selector = selectorOf(values);
        if (more.length > 0 || (id !== undefined && selector !== null)) throw misused('one <id>, or --tag, --id or --all');
        if (id !== undefined) {
          if (farewell !== undefined) throw misused('a farewell is for a selection: wsaas push <id> sends it to one connection');
          const query = new URLSearchParams(given({ code, reason }));
          const response = await client.ask(encodeURIComponent(id), { query, method: 'DELETE' });
          const answer = await response.text();
          await print(json === true ? `${answer}\n` : '1\n');
          return 0;
        }
        if (selector === null) throw misused('whom? wsaas close <id>, or --tag KEY=VALUE, --id ID or --all');
        for (const [name, value] of given({ closeCode: code, closeReason: reason })) selector.set(name, value);
        const body = farewell === undefined ? {} : await bodyOf(farewell, values);
        const accept = json === true ? 'application/json' : 'text/plain';
        return printAnswer(await client.ask('close', { query: selector, method: 'POST', accept, ...body }));
      },
    },
    argv,
    env,
  );
}

function given(values: Readonly<Record<string, string | undefined>>): [string, string][] {
  return Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
}

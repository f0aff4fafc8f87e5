import { styleText } from 'node:util';
import { follow } from '../control/event-source.ts';
import { COMMON_USAGE } from '../control/line.ts';
import { misused } from '../control/problem.ts';
import { print, runControl, type Environment } from '../control/run.ts';
import { pairsOf } from '../control/selection.ts';
import { isBad, lineOf, type Told } from '../control/sighting-line.ts';

const USAGE = `Usage: wsaas tail [--route ROUTE] [--tag KEY=VALUE] [--id ID]

Prints what happens, as it happens, in the whole cluster, until Ctrl-C. When the gateway restarts, it goes on.

  --route ROUTE    only of this route; its name is its path in the routes file
  --tag KEY=VALUE  only of connections with this tag; of several, those that have all
  --id ID          only of this connection, and then also what was only read
${COMMON_USAGE}`;

const FLAGS = {
  route: { type: 'string' },
  tag: { type: 'string', multiple: true },
  id: { type: 'string' },
} as const;

/** `wsaas tail` (docs/cli.md#tail). */
export function run(argv: readonly string[], env: Environment): Promise<number> {
  return runControl(
    {
      usage: USAGE,
      flags: FLAGS,
      async act({ values, words: [stray] }, client) {
        if (stray !== undefined) throw misused(`no word was wanted, ${JSON.stringify(stray)} came; an id is given as --id ID`);
        const { route, tag = [], id, json = false } = values;
        const query = new URLSearchParams(tag.length > 0 ? { tags: new URLSearchParams(pairsOf(tag)).toString() } : {});
        if (route !== undefined) query.set('route', route);
        if (id !== undefined) query.set('id', id);
        const leaving = new AbortController();
        for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => leaving.abort());
        await follow(client, 'console/events', { query, signal: leaving.signal, broke, told: json ? tellMachine : tellPerson });
        return 0;
      },
    },
    argv,
    env,
  );
}

function broke(why: string): void {
  process.stderr.write(`wsaas: ${why}; trying again\n`);
}

async function tellPerson(event: string, data: unknown): Promise<void> {
  switch (event) {
    case 'sightings':
      return print((data as Told[]).map(styledLine).join(''));
    case 'missed':
      process.stderr.write(`wsaas: ${(data as { count: number }).count} more were left out; --route, --tag or --id show fewer\n`);
      return undefined;
    case 'absent': {
      const { unreachable, refusing } = data as { unreachable: string[]; refusing: string[] };
      const told = [...unreachable, ...refusing].join(', ');
      process.stderr.write(told === '' ? 'wsaas: everybody answers again\n' : `wsaas: nothing is heard of ${told}\n`);
      return undefined;
    }
    default:
      return undefined;
  }
}

function styledLine(told: Told): string {
  const line = lineOf(told);
  return `${isBad(told) ? styleText('red', line, { stream: process.stdout }) : line}\n`;
}

/** A line of JSON for each sighting, and for what else there is to tell. */
async function tellMachine(event: string, data: unknown): Promise<void> {
  if (event === 'sightings') await print((data as Told[]).map((told) => `${JSON.stringify(told)}\n`).join(''));
  else if (event === 'missed' || event === 'absent') await print(`${JSON.stringify({ type: event, ...(data as object) })}\n`);
}

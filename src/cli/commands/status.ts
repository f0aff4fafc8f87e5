import { COMMON_USAGE } from '../control/line.ts';
import { misused } from '../control/problem.ts';
import { exitCodeOf, print, runControl, type Environment } from '../control/run.ts';
import { pairsOf } from '../control/selection.ts';
import { visible } from '../control/visible.ts';

const USAGE = `Usage: wsaas status [--tag KEY=VALUE] [--id ID] [--path PART]

Prints a line for each connection, in the whole cluster; with --json, each as JSON.

  --tag KEY=VALUE  those with this tag; of several, those that have all
  --id ID          those whose id is this, or has this in it
  --path PART      those whose path has this in it
  --limit NUMBER   so many at most
${COMMON_USAGE}`;

const FLAGS = {
  tag: { type: 'string', multiple: true },
  id: { type: 'string' },
  path: { type: 'string' },
  limit: { type: 'string' },
} as const;

type Connection = { readonly id: string; readonly path: string; readonly tags: Readonly<Record<string, string>>; readonly node: string };
type Page = { readonly connections: readonly Connection[]; readonly next: string | null };

/** `wsaas status` (docs/cli.md#status). */
export function run(argv: readonly string[], env: Environment): Promise<number> {
  return runControl(
    {
      usage: USAGE,
      flags: FLAGS,
      async act({ values, words: [stray] }, client) {
        if (stray !== undefined) throw misused(`no word was wanted, ${JSON.stringify(stray)} came; tags are given as --tag KEY=VALUE`);
        const { tag = [], id = '', path = '', json = false } = values;
        let left = limitOf(values.limit);
        const isSearch = tag.length > 0 || id !== '' || path !== '';
        const query = new URLSearchParams(isSearch ? { tags: new URLSearchParams(pairsOf(tag)).toString(), id, path } : {});
        const [where, largest] = isSearch ? (['console/connections', 200] as const) : (['status', 1_000] as const);
        let exitCode = 0;
        for (let next: string | null = ''; next !== null && left > 0;) {
          query.set('limit', String(Math.min(left, largest)));
          query.set('cursor', next);
          const response = await client.ask(where, { query });
          exitCode = Math.max(exitCode, exitCodeOf(response));
          const page = (await response.json()) as Page;
          await print(page.connections.map((one) => (json ? `${JSON.stringify(one)}\n` : lineOf(one))).join(''));
          left -= page.connections.length;
          ({ next } = page);
        }
        return exitCode;
      },
    },
    argv,
    env,
  );
}

function lineOf({ id, path, tags, node }: Connection): string {
  const pairs = Object.entries(tags).map(([key, value]) => `${key}=${value}`);
  return `${[id, path, ...pairs, `(${node})`].map(visible).join('  ')}\n`;
}

function limitOf(text: string | undefined): number {
  if (text === undefined) return Infinity;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw misused(`--limit must be a number from 1, ${JSON.stringify(text)} came`);
  return Number(text);
}

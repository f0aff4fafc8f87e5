import { BODY, BODY_USAGE, bodyOf } from '../control/body.ts';
import { COMMON_USAGE } from '../control/line.ts';
import { misused } from '../control/problem.ts';
import { print, runControl, type Environment } from '../control/run.ts';

const USAGE = `Usage: wsaas push <id> [message]

Pushes one message to one connection, and prints what came of it: sent, or queued where the connection is still being let in.
Without a message, it is read from standard input.
${BODY_USAGE}${COMMON_USAGE}`;

/** `wsaas push` (docs/cli.md#push). */
export function run(argv: readonly string[], env: Environment): Promise<number> {
  return runControl(
    {
      usage: USAGE,
      flags: BODY,
      async act({ values, words: [id, word, ...more] }, client) {
        if (id === undefined) throw misused('whom? wsaas push <id> [message]');
        if (more.length > 0) throw misused('a message is one word of the line: put it into quotes');
        const response = await client.ask(encodeURIComponent(id), { method: 'PUT', ...(await bodyOf(word, values)) });
        const answer = await response.text();
        await print(values.json === true ? `${answer}\n` : response.status === 202 ? 'queued\n' : 'sent\n');
        return 0;
      },
    },
    argv,
    env,
  );
}

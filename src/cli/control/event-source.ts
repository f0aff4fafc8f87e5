import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT_TRY_AGAIN, EXIT_UNAVAILABLE } from '../exit-codes.ts';
import type { ControlClient } from './client.ts';
import { CommandProblem } from './problem.ts';

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;
/** The gateway gives a sign of life every ten seconds; without one the connection is broken. */
const SILENCE_MS = 30_000;
const PASSING: ReadonlySet<number> = new Set([EXIT_UNAVAILABLE, EXIT_TRY_AGAIN]);

export type Follower = {
  readonly query: URLSearchParams;
  readonly signal: AbortSignal;
  /** Awaited before more is read. */
  readonly told: (event: string, data: unknown) => Promise<void> | void;
  /** The stream broke, and another is asked for. */
  readonly broke: (why: string) => void;
};

/**
 * Server-sent events, asked for again and again until the signal. Rejects where the first try fails, and later where another
 * would change nothing.
 */
export async function follow(client: ControlClient, path: string, follower: Follower): Promise<void> {
  const { signal, broke } = follower;
  let wasOpen = false;
  for (let waitMs = FIRST_WAIT_MS; !signal.aborted; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
    const opened = (): void => {
      wasOpen = true;
      waitMs = FIRST_WAIT_MS;
    };
    try {
      const reason = await once(client, path, { ...follower, opened });
      broke(reason);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof CommandProblem && (!wasOpen || !PASSING.has(error.exitCode))) throw error;
      broke(error instanceof Error ? error.message : String(error));
    }
    await sleep(waitMs, undefined, { signal }).catch(() => {});
  }
}

async function once(
  client: ControlClient,
  path: string,
  { query, told, signal, opened }: Follower & { readonly opened: () => void },
): Promise<string> {
  const silence = new AbortController();
  const response = await client.ask(path, { query, accept: 'text/event-stream', signal: AbortSignal.any([signal, silence.signal]) });
  opened();
  let rest = '';
  let reason = 'the connection was closed';
  let timer = setTimeout(() => silence.abort(), SILENCE_MS);
  try {
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      clearTimeout(timer);
      const blocks = (rest + chunk).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const [, event, data] = /^event: (.+)\ndata: (.*)$/.exec(block) ?? [];
        if (event === undefined || data === undefined) continue;
        const parsed: unknown = JSON.parse(data);
        if (event === 'end') ({ reason } = parsed as { readonly reason: string });
        await told(event, parsed);
      }
      timer = setTimeout(() => silence.abort(), SILENCE_MS);
    }
    return reason;
  } finally {
    clearTimeout(timer);
  }
}

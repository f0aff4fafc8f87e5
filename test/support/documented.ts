import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A line that a page shows after a `$`, and what it shows as printed. */
export type Shown = { readonly command: string; readonly printed: string };

/** The `console` blocks of a page, in order. */
export function shownIn(page: string): Shown[] {
  const text = readFileSync(fileURLToPath(new URL(`../../${page}`, import.meta.url)), 'utf8');
  return [...text.matchAll(/^```console\n(.*?)^```$/gms)].flatMap(([, block = '']) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((part) => ({ command: part.slice(0, part.indexOf('\n')), printed: part.slice(part.indexOf('\n') + 1) })),
  );
}

const MARK = '----- next -----';

/** Runs commands one after the other in one shell, as a reader would, and returns what each printed on both its streams. */
export async function typed(
  commands: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<string[]> {
  const lines = commands.map((command) => `${command}\nkept=$?; echo '${MARK}'; (exit $kept)`);
  const shell = spawn('sh', ['-c', `exec 2>&1\n${lines.join('\n')}\n`], {
    ...options,
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 60_000,
  });
  let out = '';
  shell.stdout.on('data', (chunk) => (out += String(chunk)));
  await once(shell, 'close');
  return out.split(`${MARK}\n`).slice(0, -1);
}

/** What a page shows, as a pattern: `…` stands for anything. */
export function patternOf(printed: string): RegExp {
  const parts = printed.split('…').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join('[^\\n]*')}$`);
}

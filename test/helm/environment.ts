import { execFile } from 'node:child_process';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { ConfigError, loadConfig } from '../../src/config/load.ts';
import { MAIN } from '../support/gateway.ts';
import type { PodSpec } from './chart.ts';
import { environmentHere, type Secrets } from './kubelet.ts';

export type Checked = { readonly effective: Readonly<Record<string, string>>; /** Mistakes and warnings. */ readonly complaint: string };

/** What the program's own reading makes of the environment of a rendered pod. */
export function checkConfig(t: Pick<TestContext, 'after'>, pod: PodSpec): Checked {
  try {
    const { effective, warnings } = loadConfig(environmentHere(t, pod));
    return { effective, complaint: warnings.join('\n') };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { effective: {}, complaint: error.message };
  }
}

/** The same by the whole program, `--check-config`, with this environment and no other: it sees what is for Node too, but is a process. */
export async function runCheckConfig(
  t: Pick<TestContext, 'after'>,
  pod: PodSpec,
  secrets?: Secrets,
): Promise<Checked & { readonly code: number }> {
  const options = { cwd: '/', env: environmentHere(t, pod, secrets) };
  const { code, stdout, stderr } = await promisify(execFile)(process.execPath, [MAIN, '--check-config'], options).then(
    (ended) => ({ ...ended, code: 0 }),
    (error: { readonly code: unknown; readonly stdout: string; readonly stderr: string }) => ({
      ...error,
      code: typeof error.code === 'number' ? error.code : -1,
    }),
  );
  return { code, effective: pairs(stdout), complaint: stderr };
}

function pairs(lines: string): Record<string, string> {
  const parted = lines
    .split('\n')
    .filter((line) => line.includes('='))
    .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]);
  return Object.fromEntries(parted) as Record<string, string>;
}

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { readLog } from '../support/gateway.ts';
import { imageEnvironment, type Image } from './build.ts';

export type Container = {
  /** Exit code of the HEALTHCHECK, run beside the program as Docker does. */
  readonly check: () => Promise<number>;
  readonly stop: (signal: NodeJS.Signals) => Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
};

/** Starts what ENTRYPOINT says, in WORKDIR, with the image's variables and these. */
export async function startContainer(t: Pick<TestContext, 'after'>, image: Image, env: Record<string, string>): Promise<Container> {
  const cwd = join(image.root, image.workdir);
  const environment = imageEnvironment({ ...image.env, ...env });
  const [program = '', ...argv] = image.entrypoint;
  const child = spawn(program, argv, { cwd, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit').then(([code, signal]) => ({ code: code as number | null, signal: signal as NodeJS.Signals | null }));
  t.after(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const log = readLog(child.stdout);
  let errors = '';
  child.stderr.on('data', (chunk) => (errors += String(chunk)));
  const died = exited.then(({ code }) => Promise.reject(new Error(`the program ended with ${String(code)}: ${errors}`)));
  await Promise.race([log.first(({ msg }) => msg === 'wsaas serves', 20_000), died]);
  died.catch(() => {}); // from here on it may end

  return {
    check: () =>
      new Promise((resolve) => {
        const [checker = '', ...checkArgv] = image.healthcheck;
        execFile(checker, checkArgv, { cwd, env: environment }, (error) => resolve(error === null ? 0 : Number(error.code)));
      }),
    stop: (signal) => {
      child.kill(signal);
      return exited;
    },
  };
}

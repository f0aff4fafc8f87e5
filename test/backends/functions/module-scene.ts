import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { ModuleTarget, MODULE_DEFAULTS, type ModuleOptions } from '../../../src/backends/functions/module/target.ts';
import { systemClock } from '../../../src/core/system-clock.ts';
import { Arrivals } from '../../support/arrivals.ts';

export const HANDLERS = join(import.meta.dirname, 'handlers');

/** Node keeps here what it has made of TypeScript, so that not each process of a test does it anew. */
export const COMPILE_CACHE = join(tmpdir(), 'wsaas-test-compile-cache');

export type Written = { readonly level: string; readonly facts: Readonly<Record<string, unknown>>; readonly message: string };

/** A target that runs this handler, and what it writes to the gateway's log. */
export function moduleTarget(t: Pick<TestContext, 'after'>, file: string, options: Partial<ModuleOptions> = {}) {
  const log = new Arrivals<Written>();
  const write =
    (level: string) =>
    (facts: object, message: string): void =>
      log.add({ level, facts: facts as Written['facts'], message });
  const target = new ModuleTarget({
    ...MODULE_DEFAULTS,
    file: join(HANDLERS, file),
    export: 'handler',
    functionName: 'chat',
    directory: HANDLERS,
    inherited: { PATH: process.env['PATH'] },
    clock: systemClock,
    log: { error: write('error'), warn: write('warn'), info: write('info'), debug: write('debug'), isDebugging: true },
    ...options,
    env: { NODE_COMPILE_CACHE: COMPILE_CACHE, ...options.env },
  });
  t.after(() => target.stop());
  return { target, log };
}

export async function temporaryDirectory(t: Pick<TestContext, 'after'>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'wsaas-handlers-'));
  t.after(() => rm(directory, { recursive: true }));
  return directory;
}

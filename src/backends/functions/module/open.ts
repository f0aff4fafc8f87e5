import { basename, extname } from 'node:path';
import type { Clock, Log } from '../../../core/ports.ts';
import type { FunctionTarget } from '../../../wire/functions.ts';
import type { TargetSpec } from '../../../wire/targets.ts';
import { MODULE_DEFAULTS, ModuleTarget } from './target.ts';

type ModuleParts = {
  readonly clock: Clock;
  readonly log: Log;
  readonly environment: Readonly<Record<string, string | undefined>>;
};

/** The handler of a route. Its processes are started when it is called. */
export function openModule(
  {
    file,
    export: name,
    function: functionName,
    directory,
    timeoutMs,
    memoryMb,
    maxInstances,
    env,
  }: Extract<TargetSpec, { type: 'module' }>,
  { clock, log, environment }: ModuleParts,
): FunctionTarget & { reload(): void } {
  return new ModuleTarget({
    ...MODULE_DEFAULTS,
    file,
    export: name,
    functionName: functionName ?? basename(file, extname(file)),
    directory,
    timeoutMs,
    ...(memoryMb !== null && { memoryMb }),
    ...(maxInstances !== null && { maxInstances }),
    env,
    inherited: environment,
    clock,
    log,
  });
}

import { basename, dirname } from 'node:path';
import type { Clock, Log } from '../../../core/ports.ts';
import type { TargetSpec } from '../../../wire/targets.ts';
import { MODULE_DEFAULTS, ModuleTarget } from './target.ts';

export function openModule(
  spec: Extract<TargetSpec, { readonly type: 'module' }>,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): ModuleTarget {
  const { file, timeoutMs, memoryMb, env } = spec;
  return new ModuleTarget({
    ...MODULE_DEFAULTS,
    file,
    export: spec.export,
    functionName: basename(file).replace(/\.[^.]*$/, ''),
    directory: dirname(file),
    timeoutMs: timeoutMs ?? MODULE_DEFAULTS.timeoutMs,
    memoryMb: memoryMb ?? MODULE_DEFAULTS.memoryMb,
    env,
    inherited: {},
    clock,
    log,
  });
}

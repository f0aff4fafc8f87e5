import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { YOUNG_GENERATION_MB, YOUNG_GENERATION_OPTION } from '../config/young-generation.ts';

const FLAG = /--(max|min)[-_]semi[-_]space[-_]size/;

/**
 * V8 takes the size of its young generation at the start of a process only. So the process begins anew, as itself, with the
 * flag: `execve` keeps its pid, environment, input and output. Workers inherit the flag. Where it is said already, by flag or by
 * NODE_OPTIONS, it stays so. Where a process cannot begin anew, on Windows or with a channel to a parent that it would lose, it
 * goes on with Node's own size.
 */
export function limitYoungGeneration(): void {
  const { execArgv, argv, env, execPath } = process;
  if ([...execArgv, env['NODE_OPTIONS'] ?? ''].some((argument) => FLAG.test(argument))) return;
  const wanted = env[YOUNG_GENERATION_OPTION] ?? inDotenv() ?? '';
  const megabytes = wanted.trim() === '' ? YOUNG_GENERATION_MB : Number(wanted);
  if (process.channel !== undefined) return;
  if (!Number.isInteger(megabytes) || megabytes <= 0 || process.execve === undefined) return; // 0: Node's own size; a mistake is told by the configuration
  try {
    process.execve(execPath, [execPath, ...execArgv, `--max-semi-space-size=${megabytes}`, ...argv.slice(1)], env);
  } catch {
    // it goes on as it is
  }
}

/**
 * While many things live long, as in a storm at the start, V8 learns to put new ones of their kind into the old generation at
 * once, and never unlearns it. Garbage of messages would wait there for a full collection, and keep what it points to from
 * being collected young: a twentieth of what an entry into a stream costs (docs/performance.md#what-the-time-goes-into). Unlike its
 * size, V8 takes this at any time.
 */
export function allocateYoung(): void {
  setFlagsFromString('--no-allocation-site-pretenuring');
}

function inDotenv(): string | undefined {
  try {
    return parseEnv(readFileSync('.env', 'utf8'))[YOUNG_GENERATION_OPTION];
  } catch {
    return undefined;
  }
}

import { type ChildProcess, spawn } from 'node:child_process';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import type { Duplex, Readable } from 'node:stream';

/** Its own file in the sources and in the package, in which this one lies somewhere else. */
const RUNTIME = import.meta.filename.endsWith('.ts')
  ? join(import.meta.dirname, 'runtime.ts')
  : join(dirname(findPackageJSON(import.meta.url) ?? ''), 'dist/backends/functions/module/runtime.js');
/** Of a function's memory so much may be objects; the rest is for code, buffers and the runtime. */
const HEAP_SHARE = 0.75;

/** Enums and their like are not only left out, they become code; a Node that knows no such flag may do so anyway. */
const TRANSFORM = '--experimental-transform-types';
const FLAGS = [
  '--enable-source-maps',
  '--disable-warning=ExperimentalWarning',
  '--disable-warning=MODULE_TYPELESS_PACKAGE_JSON', // whoever writes handlers need not write a package.json
  ...(process.allowedNodeEnvironmentFlags.has(TRANSFORM) ? [TRANSFORM] : []),
];

/** The process of an instance, its channel, and what it writes. */
export type Spawned = { readonly process: ChildProcess; readonly channel: Duplex; readonly stdout: Readable; readonly stderr: Readable };

export type SpawnOptions = {
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  readonly memoryMb: number;
};

/** Throws where no process can be had; what is wrong later, a folder that is not there say, is its event `error`. */
export function spawnRuntime({ directory, env, memoryMb }: SpawnOptions): Spawned {
  const flags = [`--max-old-space-size=${Math.floor(memoryMb * HEAP_SHARE)}`, ...FLAGS];
  const child = spawn(process.execPath, [...flags, RUNTIME], {
    cwd: directory,
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    detached: process.platform !== 'win32', // a group of its own, so that what it has started is killed with it
    windowsHide: true,
  });
  const { stdout, stderr } = child;
  const channel = (child.stdio as readonly unknown[] | undefined)?.[3] as Duplex | undefined;
  if (stdout && stderr && channel) return { process: child, channel, stdout, stderr };
  child.on('error', () => {}); // it comes in the next turn, and says no more
  throw new Error('there are no file descriptors left');
}

/** Ends it, and what it has started. */
export function killProcesses(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined) return;
  try {
    // oxlint-disable-next-line no-restricted-properties -- a group that began with this child
    process.kill(-pid, 'SIGKILL');
  } catch {
    child.kill('SIGKILL'); // no groups on this system, or none of it lives
  }
}

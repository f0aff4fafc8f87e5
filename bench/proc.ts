import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as elapsed } from 'node:timers/promises';

/** Linux's USER_HZ: 100 on every architecture that Node runs on (proc(5)). */
const TICKS_PER_SECOND = 100;

export type ProcessStat = { readonly pid: number; readonly parentPid: number; readonly cpuTicks: number };
export type MachineStat = { readonly busyTicks: number };

/** One moment: what a tree of processes and the whole machine have burnt so far, in seconds of one core. */
export type Sample = { readonly atMs: number; readonly cpuSeconds: number; readonly machineSeconds: number };

/** `/proc/<pid>/stat` (proc_pid_stat(5)). The name may hold spaces and brackets, so fields are counted from its last bracket. */
export function parseProcessStat(text: string): ProcessStat {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const ticks = (field: number): number => Number(fields[field - 3]);
  // utime, stime, and those of children that were waited for: a worker that died still counts
  return { pid: Number.parseInt(text, 10), parentPid: ticks(4), cpuTicks: ticks(14) + ticks(15) + ticks(16) + ticks(17) };
}

/** The first line of `/proc/stat` (proc_stat(5)): all but idle and iowait; `steal` is what the host took. */
export function parseMachineStat(text: string): MachineStat {
  const [user, nice, system, , , irq, softirq, steal] = text.slice(0, text.indexOf('\n')).trim().split(/\s+/).slice(1, 9).map(Number);
  return { busyTicks: [user, nice, system, irq, softirq, steal].reduce<number>((sum, ticks) => sum + (ticks ?? 0), 0) };
}

/** Proportional set size in bytes, of `/proc/<pid>/smaps_rollup`. */
export function parsePss(text: string): number {
  const kibibytes = /^Pss:\s+(\d+) kB$/m.exec(text)?.[1];
  if (kibibytes === undefined) throw new Error(`smaps_rollup has no line "Pss: <number> kB"; it begins: ${text.slice(0, 80)}`);
  return Number(kibibytes) * 1024;
}

/** The root and all its descendants. */
export function treeOf(rootPid: number, all: readonly ProcessStat[]): ProcessStat[] {
  const tree = all.filter((stat) => stat.pid === rootPid);
  for (let at = 0; at < tree.length; at += 1) tree.push(...all.filter((stat) => stat.parentPid === tree[at]?.pid));
  return tree;
}

export function processTree(rootPid: number): ProcessStat[] {
  const all: ProcessStat[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const text = readIfThere(`/proc/${name}/stat`);
    if (text !== null) all.push(parseProcessStat(text));
  }
  return treeOf(rootPid, all);
}

export function sampleTree(rootPid: number): Sample {
  const ticks = processTree(rootPid).reduce((sum, stat) => sum + stat.cpuTicks, 0);
  return { atMs: performance.now(), cpuSeconds: ticks / TICKS_PER_SECOND, machineSeconds: machineSeconds() };
}

function machineSeconds(): number {
  return parseMachineStat(readFileSync('/proc/stat', 'utf8')).busyTicks / TICKS_PER_SECOND;
}

/** Waits for a second in which the machine did next to nothing; gives up after `limitMs`. */
export async function quietMachine(limitMs: number): Promise<void> {
  for (const giveUpAt = performance.now() + limitMs; performance.now() < giveUpAt;) {
    const before = machineSeconds();
    await elapsed(1_000);
    if (machineSeconds() - before < 0.1) return;
  }
}

export function pssBytesOfTree(rootPid: number): number {
  return processTree(rootPid).reduce((sum, { pid }) => {
    const text = readIfThere(`/proc/${pid}/smaps_rollup`);
    return text === null ? sum : sum + parsePss(text);
  }, 0);
}

export function descriptorsOfTree(rootPid: number): number {
  return processTree(rootPid).reduce((sum, { pid }) => sum + readdirSync(`/proc/${pid}/fd`).length, 0);
}

/** Does one of the tree listen on this port? Of TCP, on any address. To connect instead would not tell whose port it is. */
export function listensOn(rootPid: number, port: number): boolean {
  const inodes = new Set([...listeners('/proc/net/tcp', port), ...listeners('/proc/net/tcp6', port)].map((inode) => `socket:[${inode}]`));
  return inodes.size > 0 && processTree(rootPid).some(({ pid }) => socketsOf(pid).some((socket) => inodes.has(socket)));
}

/** proc_pid_net(5): `sl local_address rem_address st …`, ports and states in hexadecimal; the tenth field is the inode. */
function listeners(path: string, port: number): string[] {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return (readIfThere(path) ?? '')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, address = '', , state]) => address.endsWith(local) && state === '0A')
    .map((fields) => fields[9] ?? '');
}

function socketsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((descriptor) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${descriptor}`);
      } catch {
        return ''; // closed meanwhile
      }
    });
  } catch {
    return []; // ended meanwhile
  }
}

/** A process may end between the listing and the reading. */
function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

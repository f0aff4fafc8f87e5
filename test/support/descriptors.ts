import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/**
 * Open files of a process, each with what it is, but for its sockets to this port, which are its backend's: how many of
 * those it keeps is its own affair.
 */
export function descriptorsOf(pid: number, backendPort: number): readonly string[] {
  const addresses = addressesOf(pid);
  const suffix = ` to port ${backendPort}`;
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    const target = targetOf(`/proc/${pid}/fd/${fd}`);
    const address = addresses.get(target) ?? '';
    return target === null || address.endsWith(suffix) ? [] : [`${fd}: ${target}${address}`];
  });
}

function targetOf(link: string): string | null {
  try {
    return readlinkSync(link);
  } catch {
    return null; // closed since it was listed
  }
}

/** Of TCP sockets over IPv4, by the names that `/proc/<pid>/fd` has for them. */
function addressesOf(pid: number): ReadonlyMap<string | null, string> {
  const [, ...rows] = readFileSync(`/proc/${pid}/net/tcp`, 'latin1').trimEnd().split('\n');
  return new Map(
    rows.map((row) => {
      const [, local = '', remote = '', state = '', , , , , , inode = ''] = row.trim().split(/\s+/);
      return [`socket:[${inode}]`, ` in state ${state} from port ${portOf(local)} to port ${portOf(remote)}`];
    }),
  );
}

function portOf(address: string): number {
  return Number.parseInt(address.slice(address.indexOf(':') + 1), 16);
}

import type { Refusal } from './events.ts';
import { full } from './refusals.ts';

export type AdmissionLimits = {
  /** Clients of this process, those that wait to be let in included. */
  readonly maxConnections: number;
  /** Clients of this process from one address; of IPv6, from one network of 64 bits, which is what one site has. */
  readonly maxConnectionsPerIp: number;
};

/**
 * The places of this process: a client takes one when it asks to be let in, before anything is waited for, and gives it
 * back when it is refused or gone. Whoever is counted has a place, so that no queue leads around a limit.
 */
export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #byNetwork = new Map<string, number>();
  #taken = 0;

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  get taken(): number {
    return this.#taken;
  }

  /** Takes a place, or says why there is none. */
  enter(address: string): Refusal | null {
    const { maxConnections, maxConnectionsPerIp } = this.#limits;
    if (this.#taken >= maxConnections) return full('UNAVAILABLE', `this gateway holds its ${maxConnections} connections (MAX_CONNECTIONS)`);
    if (this.takenBy(address) >= maxConnectionsPerIp)
      return full('TOO_MANY_CONNECTIONS', 'this address holds MAX_CONNECTIONS_PER_IP connections');
    this.#taken += 1;
    this.#byNetwork.set(networkOf(address), this.takenBy(address) + 1);
    return null;
  }

  /** Owed once for every place. */
  leave(address: string): void {
    this.#taken -= 1;
    const left = this.takenBy(address) - 1;
    if (left > 0) this.#byNetwork.set(networkOf(address), left);
    else this.#byNetwork.delete(networkOf(address));
  }

  takenBy(address: string): number {
    return this.#byNetwork.get(networkOf(address)) ?? 0;
  }
}

/** Whom an address counts for: IPv4 itself, IPv6 its first 64 bits. */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  const behind = tail === undefined || tail === '' ? [] : tail.split(':');
  if (tail !== undefined) while (groups.length + behind.length < 8) groups.push('0');
  return [...groups, ...behind]
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}

import type { Refusal } from './events.ts';
import type { Gateway } from './gateway.ts';
import { busy, full } from './refusals.ts';

export type AdmissionLimits = {
  /** Clients of this process, those that wait to be let in included. */
  readonly maxConnections: number;
  /** Clients of this process from one address. */
  readonly maxConnectionsPerIp: number;
};

/** Why no client from this address is let in at the moment, or null. Decided before the backend hears of it. */
export function admissionProblem(gateway: Gateway, address: string, limits: AdmissionLimits): Refusal | null {
  if (gateway.isDraining) return busy('this gateway is shutting down');
  if (gateway.occupied >= limits.maxConnections) {
    return full('UNAVAILABLE', `this gateway holds its ${limits.maxConnections} connections (MAX_CONNECTIONS)`);
  }
  if (gateway.connections.countOf(address) >= limits.maxConnectionsPerIp) {
    return full('TOO_MANY_CONNECTIONS', 'this address holds MAX_CONNECTIONS_PER_IP connections');
  }
  return null;
}

import type { Subprotocol } from './versions.ts';

/** The first of the client's offers, in its order of preference, that is among the configured versions. */
export function chooseVersion(offered: readonly string[], configured: readonly Subprotocol[]): Subprotocol | null {
  for (const offer of offered) {
    const found = configured.find((name) => name === offer);
    if (found !== undefined) return found;
  }
  return null;
}

import { goneClient } from '../backends/handlers/client.ts';
import { Guest } from '../backends/handlers/guest.ts';
import type { Client } from '../backends/handlers/handlers.ts';
import type { Party } from '../core/party.ts';

/** The one object that stands for this client; of one whose process died there is a new one. */
export function clientOf(party: Party): Client {
  return party.companion instanceof Guest ? party.companion.client : party.derived(goneClient);
}

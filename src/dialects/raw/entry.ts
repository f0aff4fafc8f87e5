import type { Entry, EntryRequest } from '../../wire/entry.ts';
import type { Refusal } from '../../core/events.ts';
import { refused } from '../../wire/verdicts.ts';
import { clientIdProblem } from '../../wire/client-ids.ts';

/** The id is the pattern's last parameter (CONTRACT §5). */
export function enterRaw({ parameters }: EntryRequest): Entry | Refusal {
  const clientId = Object.values(parameters).at(-1) ?? '';
  const problem = clientIdProblem(clientId);
  if (problem !== null) return refused(400, 'BAD_REQUEST', problem);
  return { clientId, subprotocol: null };
}

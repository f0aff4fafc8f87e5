import { type DialectDefinition, idProblems } from '../definition.ts';
import { RawCodec } from './codec.ts';
import { rawRoutes } from './routes.ts';
import { rawWebhooks } from './webhooks.ts';
import type { Entry, EntryRequest } from '../../wire/entry.ts';
import type { Refusal } from '../../core/events.ts';
import { refused } from '../../wire/verdicts.ts';
import { clientIdProblem } from '../../wire/client-ids.ts';

export const raw: DialectDefinition = {
  name: 'raw',
  hasClientIds: true,
  isOpaque: true,
  options: {},
  routeOptions: {},
  create: (context) => ({ speech: { type: 'http', codec: new RawCodec(context), intake: null }, enter: enterRaw }),
  checkRoute: ({ path }) => idProblems('raw', path),
  routes: rawRoutes,
  onId: ['POST'],
  reservedSegments: [],
  webhooks: rawWebhooks,
};

/** The id is the pattern's last parameter (docs/dialects/raw.md#the-id). */
export function enterRaw({ parameters }: EntryRequest): Entry | Refusal {
  const clientId = Object.values(parameters).at(-1) ?? '';
  const problem = clientIdProblem(clientId);
  if (problem !== null) return refused(400, 'BAD_REQUEST', problem);
  return { clientId, subprotocol: null };
}

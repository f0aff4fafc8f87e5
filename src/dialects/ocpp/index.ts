import { choice, milliseconds, whole } from '../../wire/option-schemas.ts';
import { idProblems, type DialectDefinition, type RouteProblem } from '../definition.ts';
import { enterOcpp } from './entry.ts';
import { ocppRoutes } from './routes.ts';
import { speakOcpp } from './speech.ts';
import { SUBPROTOCOLS, type Subprotocol } from './versions.ts';
import { ocppWebhooks } from './webhooks.ts';

export const ocpp: DialectDefinition = {
  name: 'ocpp',
  hasClientIds: true,
  options: {
    OCPP_CALL_TIMEOUT_MS: milliseconds('Dialect `ocpp`: ms for the answer to a call, in both directions.', 30_000, 1),
    OCPP_QUEUE: whole('Dialect `ocpp`: calls of the backend that wait for their turn, per connection; over it 429.', 64),
  },
  routeOptions: {
    noSubprotocol: choice(
      'Dialect ocpp: a client without a common version is refused with 400 (default), or let in and closed at once.',
      'refuse',
      ['refuse', 'close'],
    ),
  },
  create: (context) => {
    const { ocppCallTimeoutMs, ocppQueue, noSubprotocol } = context.values as {
      readonly ocppCallTimeoutMs: number;
      readonly ocppQueue: number;
      readonly noSubprotocol: 'refuse' | 'close';
    };
    return {
      speech: speakOcpp({ ...context, callTimeoutMs: ocppCallTimeoutMs, queuedCalls: ocppQueue }),
      enter: enterOcpp({ subprotocols: context.subprotocols, noSubprotocol }),
    };
  },
  checkRoute: ({ path, subprotocols = [] }) => [...versionProblems(subprotocols), ...idProblems('ocpp', path)],
  routes: ocppRoutes,
  onId: [],
  reservedSegments: ['call', 'result', 'resulterror', 'error'],
  webhooks: ocppWebhooks,
};

function versionProblems(subprotocols: readonly string[]): RouteProblem[] {
  const unknown = subprotocols.filter((name) => !SUBPROTOCOLS.includes(name as Subprotocol));
  if (unknown.length === 0) return [];
  return [{ at: ['subprotocols'], wanted: `must be among ${SUBPROTOCOLS.join(', ')}; ${unknown.join(', ')} is not` }];
}

import { chooseSubprotocol, type Entry, type EntryRequest } from '../../wire/entry.ts';
import type { Refusal } from '../../core/events.ts';
import type { DialectContext, DialectDefinition } from '../definition.ts';
import { ApiAccess } from './access.ts';
import { createApi } from './api.ts';
import { awsProblems } from './checks.ts';
import { writeFacts } from './connection-facts.ts';
import { plainTarget } from './paths.ts';
import { awsRoutes } from './routes.ts';
import { awsRouteOptions, type AwsRouteSpec } from './schemas.ts';
import { speakAws } from './speech.ts';
import { targetName } from '../../wire/targets.ts';
import { awsWebhooks } from './webhooks.ts';

export const aws: DialectDefinition = {
  name: 'aws',
  hasClientIds: false,
  hasShortIds: true,
  hasOwnCredentials: true,
  needsBackend: false,
  isUpgradeOnly: true,
  options: {},
  routeOptions: awsRouteOptions,
  create: (context) => {
    const api = createApi(context, () => Date.now());
    const [first] = api.functions.values();
    return {
      speech: speakAws(api, context.wsUri),
      enter: enterAws(context),
      limits: api.limits,
      backendName: first === undefined ? context.routePath : targetName((api.functions.get('$connect') ?? first).target),
      idForm: 'short',
      earlyPushes: api.isStrict ? 'refused' : 'kept',
      takesBinary: !api.isStrict,
      control: new ApiAccess(api),
    };
  },
  unknownPath: {
    type: 'refused',
    status: 403,
    code: 'FORBIDDEN',
    message: 'no route has this path',
    body: { contentType: 'application/json', data: '{"message":"Forbidden"}' },
  },
  checkRoute: (route) => awsProblems(route as AwsRouteSpec),
  routes: awsRoutes,
  rewrite: plainTarget,
  onId: [],
  reservedSegments: [],
  webhooks: awsWebhooks,
};

/** The function of $connect chooses a subprotocol, unless the route does. What later events say of the client is written down. */
function enterAws({ subprotocols: accepted }: DialectContext): (request: EntryRequest) => Entry | Refusal {
  return ({ subprotocols, remoteAddress, userAgent, date }) => {
    const subprotocol = chooseSubprotocol(accepted, subprotocols);
    if (typeof subprotocol === 'object' && subprotocol !== null) return subprotocol;
    const data = writeFacts({ connectedAt: date, sourceIp: remoteAddress, userAgent, authorizer: null });
    return { clientId: null, subprotocol, data };
  };
}

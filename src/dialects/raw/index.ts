import { idProblems, type DialectDefinition } from '../definition.ts';
import { RawCodec } from './codec.ts';
import { enterRaw } from './entry.ts';
import { rawRoutes } from './routes.ts';
import { rawWebhooks } from './webhooks.ts';

export const raw: DialectDefinition = {
  name: 'raw',
  hasClientIds: true,
  options: {},
  routeOptions: {},
  create: (context) => ({ speech: { codec: new RawCodec(context), intake: null }, enter: enterRaw }),
  checkRoute: ({ path }) => idProblems('raw', path),
  routes: rawRoutes,
  onId: ['POST'],
  reservedSegments: [],
  webhooks: rawWebhooks,
};

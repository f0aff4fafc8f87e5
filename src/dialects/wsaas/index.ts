import { Type } from 'typebox';
import { chooseSubprotocol } from '../../wire/entry.ts';
import type { DialectContext, DialectDefinition, DialectOnRoute } from '../definition.ts';
import { WsaasCodec } from './codec.ts';
import { wsaasRoutes } from './routes.ts';
import { wsaasWebhooks } from './webhooks.ts';

export const wsaas: DialectDefinition = {
  name: 'wsaas',
  hasClientIds: false,
  isOpaque: true,
  options: {},
  routeOptions: {
    reply: Type.Boolean({ description: 'Dialect wsaas: a non-empty 2xx answer to a message goes back to the client.', default: false }),
  },
  create: (context) => ({
    speech: { type: 'http', codec: new WsaasCodec({ ...context, reply: context.values['reply'] === true }), intake: null },
    enter: withSubprotocol(context),
  }),
  checkRoute: () => [],
  routes: wsaasRoutes,
  onId: ['GET', 'PUT', 'DELETE'],
  reservedSegments: [],
  webhooks: wsaasWebhooks,
};

function withSubprotocol({ subprotocols: accepted }: DialectContext): DialectOnRoute['enter'] {
  return ({ subprotocols }) => {
    const subprotocol = chooseSubprotocol(accepted, subprotocols);
    return typeof subprotocol === 'object' && subprotocol !== null ? subprotocol : { clientId: null, subprotocol };
  };
}

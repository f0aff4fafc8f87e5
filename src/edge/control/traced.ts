import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Party } from '../../core/party.ts';
import { addressIn, type UnderControlPath } from '../../wire/control-paths.ts';
import type { Tracing } from '../../wire/tracing.ts';
import { arrivalOf } from '../server/arrival.ts';

/** Who holds an address here. */
export type Holders = { readonly find: (address: string) => { readonly party: Party } | undefined };

/** A span for every command in this scope whose caller was let in. To be called after the guard's hook. */
export function traceCommands(server: FastifyInstance, tracing: Tracing | null, holders: Holders): void {
  if (tracing === null) return;
  server.addHook('onRequest', (request, reply, done) => {
    const { raw, ip, routeOptions } = request;
    const span = tracing.command(arrivalOf(raw, { route: routeOptions.url ?? '*', remoteAddress: ip }), holderOf(request, holders));
    reply.raw.once('close', () => span.ended(reply.raw.statusCode)); // also of an answer that was taken out of Fastify's hands
    done();
  });
}

function holderOf({ params }: FastifyRequest, holders: Holders): Party | null {
  const { id } = params as UnderControlPath & { readonly id?: string };
  return id === undefined ? null : (holders.find(addressIn(params as UnderControlPath, id))?.party ?? null);
}

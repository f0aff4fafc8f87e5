import type { Connection } from './connection.ts';
import { traceIdOf } from './party.ts';
import type { Log } from './ports.ts';

/** One line tells of a connection's whole life. `endedAt`: epoch ms. */
export function tellLife(log: Log, connection: Connection, endedAt: number): void {
  const { party, route, remoteAddress, connectedAt, nextSeq, sentMessages, closeCode, closeReason, closer } = connection;
  log.info(
    {
      id: party.id,
      traceId: traceIdOf(party),
      route: route.name,
      remoteAddress,
      durationMs: Math.round(endedAt - connectedAt),
      received: nextSeq - 1,
      sent: sentMessages,
      closeCode,
      closeReason: closeReason === '' ? undefined : closeReason,
      closedBy: closer,
    },
    'a connection has ended',
  );
}

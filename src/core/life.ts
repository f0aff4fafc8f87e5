import type { Connection } from './connection.ts';
import { idsOf } from './party.ts';
import type { Log } from './ports.ts';

/** One line tells of a connection's whole life. `endedAt`: epoch ms. */
export function tellLife(log: Log, connection: Connection, endedAt: number): void {
  const { party, route, remoteAddress, connectedAt, nextSeq, sentMessages, closeCode, closeReason, closer } = connection;
  log.info(
    {
      ...idsOf(party),
      route: route.name,
      remoteAddress,
      durationMs: Math.round(endedAt - connectedAt),
      received: nextSeq - 1,
      sent: sentMessages,
      closeCode,
      ...(closeReason !== '' && { closeReason }),
      closedBy: closer,
    },
    'a connection has ended',
  );
}

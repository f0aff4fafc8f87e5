import { CLOSE } from './close-codes.ts';
import type { Connection } from './connection.ts';
import type { Gateway } from './gateway.ts';
import type { Timer } from './ports.ts';

const SHORTEST_SWEEP_MS = 10;
const LONGEST_SWEEP_MS = 1_000;

/**
 * One timer for all sockets. A client silent for its `idleTimeoutMs` is pinged; silent for a second such span, it is
 * closed with 1001. One whose time is over (MAX_IDLE_MS, MAX_AGE_MS) is closed with 1001. A client that a push found too slow, and that stays so for `slowClientTimeoutMs`, is ended (1013).
 * `shortestSpanMs`: the shortest of all those spans, now; a sweep comes every tenth of it, 10 ms to 1 s.
 */
export function startHeartbeat(gateway: Gateway, shortestSpanMs: () => number): Timer {
  const everyMs = (): number => Math.min(LONGEST_SWEEP_MS, Math.max(SHORTEST_SWEEP_MS, Math.floor(shortestSpanMs() / 10)));
  let timer = gateway.clock.after(everyMs(), beat);
  function beat(): void {
    const now = gateway.clock.now();
    for (const connection of gateway.connections) {
      checkLife(gateway, connection, now);
      checkTerm(gateway, connection, now);
    }
    for (const [connection, since] of gateway.slowClients) checkSlowness(gateway, connection, now - since);
    timer = gateway.clock.after(everyMs(), beat);
  }
  return { cancel: () => timer.cancel() };
}

function checkLife(gateway: Gateway, connection: Connection, now: number): void {
  const { idleTimeoutMs } = connection.route.limits;
  // a paused socket reads no pong: its silence is ours
  if (idleTimeoutMs === 0 || connection.state !== 'open' || connection.isPaused) return;
  if (connection.receivedBytes !== connection.seenBytes) {
    connection.seenBytes = connection.receivedBytes;
    if (connection.pingedAt !== 0 || now - connection.lastActiveAt >= idleTimeoutMs) connection.alive(); // a long frame is still arriving
    return;
  }
  if (connection.pingedAt === 0) {
    if (now - connection.lastActiveAt < idleTimeoutMs) return;
    connection.pingedAt = now;
    connection.ping();
  } else if (now - connection.pingedAt >= idleTimeoutMs) {
    gateway.observer.counted('pingTimeouts', 1);
    connection.close(CLOSE.GOING_AWAY, 'ping timeout');
  }
}

/** A connection lasts as long as its route lets it, whatever its client answers to pings. */
function checkTerm(gateway: Gateway, connection: Connection, now: number): void {
  const { maxIdleMs, maxAgeMs } = connection.route.limits;
  if (connection.state !== 'open') return;
  if (maxIdleMs !== 0) {
    if (connection.messages !== connection.seenMessages || connection.isPaused) {
      connection.seenMessages = connection.messages;
      connection.quietSince = now;
    } else if (now - connection.quietSince >= maxIdleMs) {
      connection.close(CLOSE.GOING_AWAY, GOING_AWAY);
      return;
    }
  }
  if (maxAgeMs !== 0 && gateway.clock.date() - connection.connectedAt >= maxAgeMs * termOf(connection))
    connection.close(CLOSE.GOING_AWAY, GOING_AWAY);
}

const GOING_AWAY = 'going away';
/** The part of its longest age that a connection has: 0.9 to 1, spread evenly over those that came together. */
const GOLDEN_RATIO = 0.618_033_988_749_895;

function termOf({ serial }: Connection): number {
  return 0.9 + 0.1 * ((serial * GOLDEN_RATIO) % 1);
}

function checkSlowness(gateway: Gateway, connection: Connection, spanMs: number): void {
  const { sendBufferBytes, slowClientTimeoutMs } = connection.route.limits;
  if (connection.bufferedBytes * 2 <= sendBufferBytes) {
    gateway.slowClients.delete(connection);
  } else if (spanMs >= slowClientTimeoutMs) {
    gateway.slowClients.delete(connection);
    gateway.observer.counted('slowClientsEnded', 1);
    connection.terminate(CLOSE.TRY_AGAIN_LATER, 'slow client');
  }
}

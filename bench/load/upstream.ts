import type { Client } from './client.ts';
import type { Fleet } from './fleet.ts';
import { nowUs } from './message.ts';
import type { LoadOrder, Phase } from './order.ts';
import { elapsed, OpenLoop } from './pace.ts';

const isOpen = (): boolean => true;
const isArrived = (client: Client): boolean => client.arrived === client.sent;
const isAnswered = (client: Client): boolean => client.pushed === client.sent;

/** Clients send for a while: closed loop, or open loop with a rate; ends when all has arrived, or in a round trip has been answered. */
export async function driveUp(fleet: Fleet, order: LoadOrder, durationMs: number): Promise<Phase> {
  const begin = performance.now();
  const isRoundTrip = order.workload === 'round-trip';
  const isUnoccupied = isRoundTrip ? isAnswered : isArrived;
  const listen = (done: () => void): void => {
    if (isRoundTrip) fleet.onPushed = done;
    else fleet.onArrived = done;
  };
  let sent = 0;
  let arrived = 0;
  let isRunning = true;
  let at = 0;
  const next = (isFree: (client: Client) => boolean): Client | null => {
    for (let tries = fleet.clients.length; tries > 0; tries -= 1) {
      at = at + 1 >= fleet.clients.length ? 0 : at + 1;
      const client = fleet.clients[at];
      if (client?.state === 'open' && isFree(client)) return client;
    }
    return null;
  };
  const sendOne = (client: Client, dueUs: number): void => {
    sent += 1;
    fleet.send(client, dueUs);
  };
  const fill = (): void => {
    if (!isRunning) return;
    while (sent - arrived < order.inFlight) {
      const client = next(isUnoccupied);
      if (client === null) return;
      sendOne(client, nowUs());
    }
  };
  if (order.ratePerSecond === 0) {
    listen(() => {
      arrived += 1;
      fill();
    });
    fill();
    await elapsed(durationMs);
  } else {
    const loop = new OpenLoop(order.ratePerSecond, durationMs, (dueUs) => {
      const client = next(isOpen);
      if (client !== null) sendOne(client, dueUs);
    });
    listen(() => {
      arrived += 1;
      loop.look();
    });
    await loop.over();
  }
  isRunning = false;
  await fleet.until('the last messages', () => arrived >= sent, order.patienceMs);
  listen(() => {});
  return { units: arrived, seconds: (performance.now() - begin) / 1_000 };
}

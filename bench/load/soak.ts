import type { Client } from './client.ts';
import type { Fleet } from './fleet.ts';
import { nowUs } from './message.ts';
import type { LoadOrder } from './order.ts';
import { elapsed } from './pace.ts';
import type { Pusher } from './pusher.ts';
import { closeAll } from './storm.ts';

const TICK_MS = 20;
const PER_TICK = 10;
const LONGEST_BACK_OFF_MS = 30_000;

const isDelivered = (client: Client): boolean => client.state !== 'open' || client.arrived >= client.sent;
const isDecided = (client: Client): boolean => client.state !== 'connecting';
const isTold = (client: Client): boolean => !client.wasOpen || (client.state === 'gone' && client.closeCalls > 0);

/**
 * One cycle of the soak: clients come, talk, are talked to, leave or are cut off and replaced; in its middle third the
 * backend is out. It ends with nobody connected and everything told, so that what is alive then can be compared.
 */
export async function soakCycle(fleet: Fleet, order: LoadOrder, { pushers, outage }: Cycle): Promise<void> {
  fleet.isTolerant = true;
  fleet.isEnding = true; // they may leave at any time
  const first = fleet.clients.length;
  await fleet.openUpTo(first + order.connections);
  for (const pusher of pushers) pusher.onAnswered = () => {};
  const ticks = Math.floor(order.durationMs / TICK_MS);
  for (let tick = 0; tick < ticks; tick += 1) {
    fleet.stub.mood = tick > ticks / 3 && tick < (2 * ticks) / 3 ? outage : 'well';
    for (let turn = 0; turn < PER_TICK; turn += 1) act(fleet, pickOpen(fleet, first), pushers);
    await elapsed(TICK_MS);
  }
  fleet.stub.mood = 'well';
  const cycle = (): Client[] => fleet.clients.slice(first);
  await fleet.until('the held messages', () => cycle().every(isDelivered), LONGEST_BACK_OFF_MS);
  await fleet.until('the last handshakes', () => cycle().every(isDecided)); // else they would come in after all were sent away
  await closeAll(fleet);
  await fleet.until('the held close events', () => cycle().every(isTold), LONGEST_BACK_OFF_MS);
  const untold = cycle().find((client) => !isTold(client));
  if (untold !== undefined)
    fleet.problem(`a client that is ${untold.state} was told of ${untold.closeCalls} times, after ${untold.sent} messages`);
  await fleet.until('the last answers', () => pushers.every((pusher) => !pusher.isWaiting));
}

export type Cycle = { readonly pushers: readonly Pusher[]; readonly outage: Fleet['stub']['mood'] };

function act(fleet: Fleet, client: Client | undefined, pushers: readonly Pusher[]): void {
  if (client === undefined) return;
  const dice = Math.random();
  if (dice < 0.5) {
    if (client.arrived === client.sent) fleet.send(client, nowUs());
  } else if (dice < 0.98) {
    const pusher = pushers.find(({ isWaiting }) => !isWaiting);
    pusher?.push(`PUT ${client.pushPath}`, fleet.down.text({ client: client.index, sequence: client.pushesSent, dueUs: nowUs() }));
    if (pusher !== undefined) client.pushesSent += 1;
  } else {
    if (dice < 0.99) client.close();
    else client.destroy();
    fleet.openOne();
  }
}

function pickOpen(fleet: Fleet, first: number): Client | undefined {
  const client = fleet.clients[first + Math.floor(Math.random() * (fleet.clients.length - first))];
  return client?.state === 'open' ? client : undefined;
}

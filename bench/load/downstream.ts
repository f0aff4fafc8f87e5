import type { Fleet } from './fleet.ts';
import { nowUs } from './message.ts';
import type { LoadOrder, Phase } from './order.ts';
import { elapsed, OpenLoop } from './pace.ts';
import type { Pusher } from './pusher.ts';

export type Pushing = { readonly pushers: readonly Pusher[]; readonly durationMs: number };

/** Keep-alive HTTP connections push to random clients; one is done when both the answer and the frame are there. */
export async function driveDown(fleet: Fleet, order: LoadOrder, { pushers, durationMs }: Pushing): Promise<Phase> {
  const begin = performance.now();
  let sent = 0;
  let done = 0;
  let isRunning = true;
  const occupied = new Map<number, Pusher>();
  let loop: OpenLoop | null = null;
  const push = (pusher: Pusher, dueUs: number): void => {
    for (;;) {
      const index = Math.floor(Math.random() * fleet.clients.length);
      const client = fleet.clients[index];
      if (client === undefined || occupied.has(index)) continue;
      occupied.set(index, pusher);
      pusher.target = index;
      sent += 1;
      pusher.push(`PUT ${client.pushPath}`, fleet.down.text({ client: index, sequence: client.pushesSent, dueUs }));
      client.pushesSent += 1;
      return;
    }
  };
  const settle = (pusher: Pusher): void => {
    if (pusher.isWaiting || pusher.target >= 0) return;
    done += 1;
    if (isRunning && order.ratePerSecond === 0) push(pusher, nowUs());
    loop?.look();
  };
  fleet.onPushed = (client) => {
    const pusher = occupied.get(client.index);
    if (pusher === undefined) return;
    occupied.delete(client.index);
    pusher.target = -1;
    settle(pusher);
  };
  for (const pusher of pushers) {
    pusher.onAnswered = (status) => {
      if (status !== 200) {
        fleet.problem(`push answered with ${status}`);
        occupied.delete(pusher.target);
        pusher.target = -1;
      }
      settle(pusher);
    };
  }
  if (order.ratePerSecond === 0) {
    for (const pusher of pushers) push(pusher, nowUs());
    await elapsed(durationMs);
  } else {
    loop = new OpenLoop(order.ratePerSecond, durationMs, (dueUs) => {
      const free = pushers.find((pusher) => !pusher.isWaiting && pusher.target < 0);
      if (free === undefined) fleet.problem('push due while every pusher waited: the rate is too high');
      else push(free, dueUs);
    });
    await loop.over();
  }
  isRunning = false;
  await fleet.until('the last pushes', () => done >= sent, order.patienceMs);
  fleet.onPushed = () => {};
  return { units: done, seconds: (performance.now() - begin) / 1_000 };
}

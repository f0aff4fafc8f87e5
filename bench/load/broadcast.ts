import { EVERYBODY, type Fleet } from './fleet.ts';
import { nowUs } from './message.ts';
import type { LoadOrder, Phase } from './order.ts';
import type { Pusher } from './pusher.ts';

const ONE_BROADCAST_MS = 20_000;

/** One request to all, `times` times, each when the one before has reached everybody. Returns why not, if the gateway refuses. */
export async function driveBroadcast(
  fleet: Fleet,
  order: LoadOrder,
  { pusher, times }: { pusher: Pusher; times: number },
): Promise<Phase | string> {
  const begin = performance.now();
  let delivered = 0;
  let status = -1;
  fleet.onPushed = () => {
    delivered += 1;
  };
  pusher.onAnswered = (answered) => {
    status = answered;
  };
  const isAnswered = (): boolean => status !== -1;
  for (let time = 1; time <= times; time += 1) {
    status = -1;
    const sequence = fleet.clients[0]?.pushed ?? 0;
    pusher.push(order.broadcastRequest, fleet.down.text({ client: EVERYBODY, sequence, dueUs: nowUs() }));
    const isEverywhere = (): boolean => delivered >= time * fleet.openCount;
    await fleet.until('a broadcast', () => isAnswered() && (status >= 300 || isEverywhere()), ONE_BROADCAST_MS);
    if (status < 200 || status >= 300) return `${order.broadcastRequest} is answered with ${status}`;
    for (const client of fleet.clients) client.pushesSent += 1;
  }
  fleet.onPushed = () => {};
  return { units: delivered, seconds: (performance.now() - begin) / 1_000 };
}

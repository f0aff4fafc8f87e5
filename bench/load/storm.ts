import type { Fleet } from './fleet.ts';
import type { LoadOrder, Phase } from './order.ts';

const AT_ONCE = 64;

/** Everybody comes; done when each is in and the backend was asked for each. */
export async function openAll(fleet: Fleet, order: LoadOrder): Promise<Phase> {
  const begin = performance.now();
  await fleet.openUpTo(order.connections);
  return { units: fleet.openCount, seconds: (performance.now() - begin) / 1_000 };
}

/** Everybody leaves, a bounded number at a time; done when the backend was told of each, once. */
export async function closeAll(fleet: Fleet): Promise<Phase> {
  const begin = performance.now();
  fleet.isEnding = true;
  const leaving = fleet.clients.filter((client) => client.state === 'open');
  let started = 0;
  let left = 0;
  const more = (): void => {
    for (; started < leaving.length && started - left < AT_ONCE; started += 1) leaving[started]?.close();
  };
  fleet.onLeft = (client) => {
    if (client.state !== 'gone' || client.closeCalls !== 1) return; // the other half is still to come
    left += 1;
    more();
  };
  more();
  await fleet.until('all to have left and the backend to be told', () => left >= leaving.length);
  fleet.onLeft = () => {};
  return { units: left, seconds: (performance.now() - begin) / 1_000 };
}

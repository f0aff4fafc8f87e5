import { CLOSE } from '../../core/close-codes.ts';
import { added, headOf, lengthOf, shifted } from './queue.ts';
import { type Delivery, emptyLane, type LaneName, type Work } from './state.ts';

/** Something to tell the backend: at once, or after what is before it in its lane. */
export function deliver(work: Work, name: LaneName, delivery: Delivery): void {
  const { next } = work;
  if (next.isAbandoned) {
    work.effects.push({ type: 'lost', messages: 1 });
    return;
  }
  const lane = next[name];
  if (lane.current === null) begin(work, name, delivery);
  else next[name] = { ...lane, waiting: added(lane.waiting, delivery) };
}

export function settleDelivery(work: Work, name: LaneName): void {
  const { next } = work;
  const { waiting } = next[name];
  const head = headOf(waiting);
  next[name] = { ...emptyLane(), waiting: head === undefined ? waiting : shifted(waiting) };
  // its time runs from when it is first offered, as in the inbox
  if (head !== undefined) begin(work, name, { ...head, giveUpAt: work.now + work.rules.retryForMs });
}

/** The backend did not take it: once more later, or never, and then the client is told by 1011 (G1). */
export function retryDelivery(work: Work, name: LaneName, retryAfterMs: number): void {
  const { next, now } = work;
  const lane = next[name];
  if (lane.current === null) return;
  if (!next.isAbandoned && now + retryAfterMs <= lane.current.giveUpAt) {
    next[name] = { ...lane, attempts: lane.attempts + 1, retryAt: now + retryAfterMs };
    return;
  }
  next[name] = { ...lane, current: null };
  abandon(work, 1);
}

function abandon(work: Work, undelivered: number): void {
  const { next, effects } = work;
  let messages = undelivered;
  for (const name of ['answers', 'sends'] as const) {
    const { current, waiting, retryAt } = next[name];
    messages += lengthOf(waiting);
    // what is on its way right now may still arrive, and `close` comes after it (G2)
    const isOnItsWay = current !== null && retryAt === null;
    if (current !== null && !isOnItsWay) messages += 1;
    next[name] = isOnItsWay ? { ...emptyLane(), current } : emptyLane();
  }
  effects.push({ type: 'lost', messages });
  if (next.isAbandoned) return;
  next.isAbandoned = true;
  effects.push({ type: 'close', code: CLOSE.INTERNAL_ERROR, reason: 'backend unavailable' });
}

export function repeatDeliveries(work: Work): void {
  const { next, now } = work;
  for (const name of ['answers', 'sends'] as const) {
    const lane = next[name];
    if (lane.current === null || lane.retryAt === null || lane.retryAt > now) continue;
    next[name] = { ...lane, retryAt: null };
    work.effects.push({ type: 'deliver', lane: name, delivery: lane.current });
  }
}

function begin(work: Work, name: LaneName, delivery: Delivery): void {
  work.next[name] = { ...work.next[name], current: delivery, attempts: 0, retryAt: null };
  work.effects.push({ type: 'deliver', lane: name, delivery });
}

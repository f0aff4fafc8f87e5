import { ACCEPTED } from '../../core/rpc.ts';
import type { RpcOutcome } from '../../core/commands.ts';
import { added, headOf, itemsOf, lengthOf, shifted, without } from './queue.ts';
import { type Ask, count, reply, type Work } from './state.ts';

const FULL_RETRY_AFTER_MS = 1_000;
const GONE: RpcOutcome = { type: 'not-found' };

/** A CALL of the backend: sent at once if the client owes no answer, else after those before it. */
export function takeAsk(work: Work, ask: Ask): void {
  const { next, rules } = work;
  if (next.phase === 'ended') {
    settle(work, ask, GONE);
    return;
  }
  if (next.asked?.id === ask.id || itemsOf(next.asking).some(({ id }) => id === ask.id)) {
    settle(work, ask, { type: 'conflict', detail: 'a call with this message id is in progress with this client' });
    return;
  }
  if (next.phase === 'open' && next.asked === null) {
    next.asked = sent(work, ask);
    work.effects.push({ type: 'push', ask: next.asked });
    return;
  }
  const isFull = lengthOf(next.asking) >= rules.queuedCalls || next.asking.bytes + ask.bytes > rules.queuedBytes;
  if (isFull) {
    settle(work, ask, { type: 'slow', retryAfterMs: FULL_RETRY_AFTER_MS });
    return;
  }
  next.asking = added(next.asking, ask);
  if (ask.wants === 'answer') settle(work, ask, ACCEPTED);
}

/** The client has answered: returns the call that this was the answer to, or null. The next one goes out. */
export function takeAnswer(work: Work, id: string): Ask | null {
  const { next } = work;
  const ask = next.asked;
  if (ask === null || ask.id !== id || ask.wants === 'nothing') count(work, 'answersDropped');
  if (ask === null || ask.id !== id) return null;
  next.asked = null;
  askNext(work);
  return ask.wants === 'nothing' ? null : ask;
}

/** The socket did not take it: nothing was sent, and whoever asked has been told. */
export function withdraw(work: Work, serial: number): void {
  const { next } = work;
  if (next.asked?.serial !== serial) return;
  next.asked = null;
  askNext(work);
}

export function askNext(work: Work): void {
  const { next } = work;
  if (next.phase !== 'open' || next.asked !== null) return;
  const ask = headOf(next.asking);
  if (ask === undefined) return;
  next.asking = shifted(next.asking);
  next.asked = sent(work, ask);
  reply(work, ask.frame); // it was promised: 202
}

/** Ends waits whose time is over, and the call in flight whose client says nothing. */
export function expireAsks(work: Work): void {
  const { next, now, rules } = work;
  if (itemsOf(next.asking).some((ask) => hasWaited(ask, now))) {
    for (const ask of itemsOf(next.asking)) if (hasWaited(ask, now)) settle(work, ask, unanswered('the call was not sent in that time'));
    next.asking = without(next.asking, (ask) => hasWaited(ask, now));
  }
  if (next.asked === null) return;
  if (hasWaited(next.asked, now)) {
    settle(work, next.asked, unanswered('the client did not answer in that time'));
    next.asked = { ...next.asked, wants: 'nothing' };
  }
  if (next.asked.expiresAt > now) return;
  if (next.asked.wants === 'outcome') settle(work, next.asked, unanswered(`the client did not answer within ${rules.callTimeoutMs} ms`));
  count(work, 'callsUnanswered');
  next.asked = null;
  askNext(work);
}

/** The client is gone. */
export function dropAsks(work: Work): void {
  const { next } = work;
  if (next.asked?.wants === 'outcome') settle(work, next.asked, unanswered('the client left before it answered'));
  for (const ask of itemsOf(next.asking)) {
    count(work, 'callsLost');
    if (ask.wants === 'outcome') settle(work, ask, GONE);
  }
  next.asked = null;
  next.asking = without(next.asking, () => true);
}

export function settle(work: Work, ask: Ask, outcome: RpcOutcome): void {
  work.effects.push({ type: 'outcome', serial: ask.serial, outcome });
}

function sent(work: Work, ask: Ask): Ask {
  count(work, 'callsSent');
  return { ...ask, expiresAt: work.now + work.rules.callTimeoutMs };
}

function hasWaited(ask: Ask, now: number): boolean {
  return ask.wants === 'outcome' && ask.waitUntil <= now;
}

function unanswered(detail: string): RpcOutcome {
  return { type: 'unanswered', detail };
}

import { askNext, dropAsks, expireAsks, settle, takeAnswer, takeAsk, withdraw } from './asking.ts';
import { deliver, repeatDeliveries, retryDelivery, settleDelivery } from './delivering.ts';
import { errorBody } from './errors.ts';
import { type ClientFrame, errorFrame, resultErrorFrame } from './frames.ts';
import { lengthOf } from './queue.ts';
import { expireCalls, settleCall, takeCall } from './serving.ts';
import { count, type Delivery, type Effect, type Input, type LaneName, reply, type Rules, type State, type Work } from './state.ts';

/**
 * OCPP-J's conversation as a pure function. Of what comes in follow a state and effects, to be carried out in order.
 * One CALL is in flight per direction; answers and SENDs pass them by; everything that waits is bounded and has an end.
 */
export function step(rules: Rules, state: State, input: Input): { readonly state: State; readonly effects: readonly Effect[] } {
  const work: Work = { rules, now: input.now, next: { ...state }, effects: [] };
  perform(work, input);
  pauseOrResume(work);
  return { state: work.next, effects: work.effects };
}

function perform(work: Work, input: Input): void {
  switch (input.type) {
    case 'opened':
      if (work.next.phase === 'opening') work.next.phase = 'open';
      askNext(work);
      return;
    case 'frame':
      if (work.next.phase !== 'ended') takeFrame(work, input);
      return;
    case 'served':
      settleCall(work, input.answer);
      return;
    case 'ask':
      takeAsk(work, input.ask);
      return;
    case 'unsent':
      withdraw(work, input.serial);
      return;
    case 'delivered':
      settleDelivery(work, input.lane);
      return;
    case 'undelivered':
      retryDelivery(work, input.lane, input.retryAfterMs);
      return;
    case 'time':
      expireCalls(work);
      expireAsks(work);
      repeatDeliveries(work);
      return;
    case 'ended':
      work.next.phase = 'ended';
      dropAsks(work);
  }
}

type Arrival = { readonly frame: ClientFrame; readonly seq: number; readonly bytes: number };

function takeFrame(work: Work, { frame, seq, bytes }: Arrival): void {
  const { rules, now, next } = work;
  const up = (lane: LaneName, told: Pick<Delivery, 'type' | 'id' | 'action' | 'bodyJson'>) =>
    deliver(work, lane, { ...told, seq, bytes, giveUpAt: now + rules.retryForMs });
  switch (frame.type) {
    case 'call':
      takeCall(work, { ...frame, seq, bytes, expiresAt: now + rules.callTimeoutMs, isAnswered: false });
      return;
    case 'send':
      up('sends', { type: 'send', id: frame.id, action: frame.action, bodyJson: frame.payloadJson });
      return;
    case 'result': {
      const ask = takeAnswer(work, frame.id);
      if (ask?.wants === 'outcome') settle(work, ask, { type: 'answered', payloadJson: frame.payloadJson });
      else if (ask !== null) up('answers', { type: 'result', id: ask.id, action: ask.action, bodyJson: frame.payloadJson });
      return;
    }
    case 'broken-result':
      count(work, 'framesMalformed');
      // OCPP 2.1 part 4, FR.06: an invalid answer is answered; before 2.1 there is no way to say so
      if (rules.version.hasSend && next.asked?.id === frame.id) reply(work, resultErrorFrame(frame.id, frame.error));
      takeError(work, frame, up);
      return;
    case 'error':
      takeError(work, frame, up);
      return;
    case 'result-error': {
      const result = next.results.findLast(({ id }) => id === frame.id);
      if (result === undefined) {
        count(work, 'answersDropped');
        return;
      }
      next.results = next.results.filter((other) => other !== result);
      up('answers', { type: 'resulterror', id: result.id, action: result.action, bodyJson: errorBody(frame.error) });
      return;
    }
    case 'malformed':
      count(work, 'framesMalformed');
      if (frame.answerTo !== null) reply(work, errorFrame(frame.answerTo, frame.error));
      return;
    case 'ignored':
      count(work, 'framesIgnored');
  }
}

/** The client's CALLERROR, or a CALLRESULT that cannot be read: either way the call has ended without a result. */
function takeError(
  work: Work,
  { id, error }: Extract<ClientFrame, { type: 'error' | 'broken-result' }>,
  up: (lane: LaneName, told: Pick<Delivery, 'type' | 'id' | 'action' | 'bodyJson'>) => void,
): void {
  const ask = takeAnswer(work, id);
  if (ask?.wants === 'outcome') settle(work, ask, { type: 'rejected', error });
  else if (ask !== null) up('answers', { type: 'error', id, action: ask.action, bodyJson: errorBody(error) });
}

/** Full, it asks the socket to be read no further; at half, to be read again (G5). */
function pauseOrResume({ rules, next, effects }: Work): void {
  const { waiting, answers, sends } = next;
  const messages = lengthOf(waiting) + lengthOf(answers.waiting) + lengthOf(sends.waiting);
  const bytes = waiting.bytes + answers.waiting.bytes + sends.waiting.bytes;
  if (!next.isPaused && next.phase !== 'ended' && (messages >= rules.heldMessages || bytes >= rules.heldBytes)) {
    next.isPaused = true;
    effects.push({ type: 'pause' });
  } else if (next.isPaused && messages * 2 <= rules.heldMessages && bytes * 2 <= rules.heldBytes) {
    next.isPaused = false;
    if (next.phase !== 'ended') effects.push({ type: 'resume' });
  }
}

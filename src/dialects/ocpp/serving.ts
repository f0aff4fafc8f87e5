import { cutDescription, internalError, rpcError } from './errors.ts';
import { errorFrame, resultFrame } from './frames.ts';
import { added, headOf, itemsOf, lengthOf, shifted } from './queue.ts';
import { type CallAnswer, count, reply, type ServedCall, type Work } from './state.ts';

/** Results that a 2.1 client can still reject. It has one CALL in flight, so its last few are plenty. */
const REMEMBERED_RESULTS = 8;

/** A CALL of the client: served at once, or after those before it. */
export function takeCall(work: Work, call: ServedCall): void {
  const { next, rules } = work;
  count(work, 'callsReceived');
  if (isInProgress(work, call.id)) {
    const { duplicateError } = rules.version;
    count(work, 'framesMalformed');
    reply(work, errorFrame(call.id, rpcError(duplicateError, 'a call with this message id is in progress')));
    return;
  }
  if (next.serving === null) serve(work, call);
  else next.waiting = added(next.waiting, call);
}

/** The backend is done with the call in service. */
export function settleCall(work: Work, answer: CallAnswer): void {
  const { next } = work;
  const call = next.serving;
  if (call === null) return;
  if (!call.isAnswered) answerCall(work, call, answer);
  next.serving = null;
  expireCalls(work);
  const waiting = headOf(next.waiting);
  if (waiting === undefined) return;
  next.waiting = shifted(next.waiting);
  serve(work, waiting);
}

/** Calls whose time is over are answered, in service or not: the caller may try again, the gateway does not (docs/dialects/ocpp.md#when-the-backend-is-away). */
export function expireCalls(work: Work): void {
  const { next, now } = work;
  if (next.serving !== null && !next.serving.isAnswered && next.serving.expiresAt <= now) {
    expire(work, next.serving);
    next.serving = { ...next.serving, isAnswered: true };
  }
  for (let head = headOf(next.waiting); head !== undefined && head.expiresAt <= now; head = headOf(next.waiting)) {
    next.waiting = shifted(next.waiting);
    expire(work, head);
  }
}

function serve(work: Work, call: ServedCall): void {
  work.next.serving = call;
  work.effects.push({ type: 'serve', call });
}

function answerCall(work: Work, call: ServedCall, answer: CallAnswer): void {
  const { next, rules } = work;
  if (answer.type === 'error') {
    reply(work, errorFrame(call.id, answer.error));
    return;
  }
  const frame = resultFrame(call.id, answer.payloadJson);
  if (Buffer.byteLength(frame) > rules.maxMessageBytes) {
    reply(work, errorFrame(call.id, internalError(`the answer is over the ${rules.maxMessageBytes} bytes of a message`)));
    return;
  }
  if (rules.version.hasSend) next.results = [...next.results.slice(1 - REMEMBERED_RESULTS), { id: call.id, action: call.action }];
  reply(work, frame);
}

function expire(work: Work, call: ServedCall): void {
  count(work, 'callsExpired');
  reply(work, errorFrame(call.id, internalError(cutDescription(`no answer within ${work.rules.callTimeoutMs} ms`))));
}

/** An expired call has been answered: its id may come again, though the backend still works on it. */
function isInProgress({ next }: Work, id: string): boolean {
  if (next.serving === null) return false;
  if (next.serving.id === id && !next.serving.isAnswered) return true;
  return lengthOf(next.waiting) > 0 && itemsOf(next.waiting).some((call) => call.id === id);
}

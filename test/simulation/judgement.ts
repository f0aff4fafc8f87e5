import type { Meter } from '../../src/core/meter.ts';
import type { Gateway } from '../../src/core/gateway.ts';
import type { Plan } from './plan.ts';
import type { Attempts, Record, Truth } from './truth.ts';

/** docs/contract.md#repetitions: the longest step of the back-off. */
const LONGEST_BACK_OFF_MS = 5_000;

type End = {
  readonly truths: readonly Truth[];
  readonly gateway: Gateway;
  readonly plan: Plan;
  readonly ledger: ReadonlySet<string>;
  readonly record: Record;
};

/** When all is over: was every message delivered or its sender told, every close told, everything let go? */
export function judge(end: End): void {
  const { truths, gateway, ledger, record } = end;
  for (const truth of truths) {
    judgeMessages(end, truth);
    judgeClose(end, truth);
  }
  judgeMeter(end);
  if (gateway.connections.size > 0) record.violate('G5', null, `${gateway.connections.size} connections stay in the table`);
  if (gateway.placesOf('10.0.0.1') !== 0) record.violate('G5', null, 'the count of an address does not return to 0');
  if (gateway.slowClients.size > 0) record.violate('G5', null, 'a slow client is never forgotten');
  if (gateway.unfinished > 0) record.violate('G3', null, `${gateway.unfinished} stay unfinished`);
  const untold = truths.filter((truth) => isOwedClose(truth) && !truth.isCloseTaken && truth.close.count === 0);
  if (ledger.size > untold.length) record.violate('G3', null, `${ledger.size - untold.length} entries stay in the ledger`);
}

/** G1: delivered, or told by 1011 after the whole time that it is to be held. */
function judgeMessages({ plan, record }: End, truth: Truth): void {
  const { received, delivered, message } = truth;
  if (delivered === received.length) return;
  record.count('gave up');
  if (message.seq !== delivered + 1) {
    record.violate('G1', truth, `message ${delivered + 1} of ${received.length} was never sent up`);
    return;
  }
  if (!plan.isInProcess && endedTooEarly(message, plan.limits.backendRetryForMs, message.firstAt))
    record.violate(
      'G1',
      truth,
      `message ${message.seq} was given up after ${message.failedAt - message.firstAt} ms, BACKEND_RETRY_FOR_MS is ${plan.limits.backendRetryForMs}`,
    );
  const lateMs = truth.sentCloseAt - message.failedAt; // one timer of whole ms serves all handlers of a route
  const wasTold = truth.sentCloseCode === 1011 && lateMs >= 0 && lateMs <= (plan.isInProcess ? 1 : 0);
  const wasLeaving = Math.min(truth.sentCloseAt, truth.endedAt) <= message.failedAt || truth.wasTerminated;
  if (!wasTold && !wasLeaving) record.violate('G1', truth, `message ${message.seq} was given up and nobody told its sender`);
}

/** G3: one close for every accepted open, unless its own time was over. */
function judgeClose({ plan, record }: End, truth: Truth): void {
  if (!isOwedClose(truth)) return;
  if (truth.opening === 'accepted' && truth.endedAt === Infinity) {
    record.violate('G1', truth, 'never ended: its close frame was never read');
    return;
  }
  if (truth.isCloseTaken) {
    record.count('close taken');
    return;
  }
  const isOverBacklog = truth.close.count === 0 && plan.closeBacklog < plan.clients;
  if (isOverBacklog) return;
  if (truth.close.count === 0) record.violate('G3', truth, 'ended and its close was never told');
  else if (endedTooEarly(truth.close, plan.limits.closeRetryForMs, Math.min(truth.endedAt, truth.close.firstAt)))
    record.violate('G3', truth, 'has a close event that was given up too early');
}

function judgeMeter({ truths, gateway, record }: End): void {
  const meter = gateway.observer as Meter;
  const expected = {
    opensAccepted: count(truths, (truth) => truth.opening === 'accepted'),
    opensRefused: count(truths, (truth) => truth.opening !== 'accepted'),
    closesStarted: count(truths, isOwedClose),
    closesDelivered: count(truths, (truth) => truth.isCloseTaken),
    closesLost: count(truths, (truth) => isOwedClose(truth) && !truth.isCloseTaken),
    messagesReceived: sum(truths, (truth) => truth.received.length),
    messagesDelivered: sum(truths, (truth) => truth.delivered),
    messagesUndelivered: sum(truths, (truth) => truth.received.length - truth.delivered),
    pushesSent: sum(truths, (truth) => truth.frames.length),
  };
  for (const [name, value] of Object.entries(expected)) {
    const came = meter[name as keyof typeof expected];
    const counted = typeof came === 'number' ? came : sum([...came.values()], (refused) => refused);
    if (counted !== value) record.violate('meter', null, `${name} is ${counted}, ${value} happened`);
  }
}

function isOwedClose(truth: Truth): boolean {
  return truth.opening === 'accepted' || truth.opening === 'unusable' || truth.opening === 'unanswered';
}

/** A last attempt must fail so late that the next would come after the end. */
function endedTooEarly(attempts: Attempts, forMs: number, sinceMs: number): boolean {
  return attempts.failedAt + Math.max(LONGEST_BACK_OFF_MS, attempts.retryAfterMs ?? 0) <= sinceMs + forMs;
}

function count(truths: readonly Truth[], matches: (truth: Truth) => boolean): number {
  return truths.filter(matches).length;
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

import type { Stored } from './simulated-broker.ts';
import type { Record, Truth } from './truth.ts';

/**
 * What a consumer finds that keeps the last event id of each connection: `open`, the messages in the order sent, one close, last;
 * what is there twice is the same; what the gateway takes for delivered is there; of a client that was refused there is nothing.
 */
export function judgeStream(stored: readonly Stored[], truths: readonly Truth[], record: Record): void {
  const firsts = new Map<string, string>();
  for (const { eventId, text } of stored) {
    const before = firsts.get(eventId);
    if (before === undefined) firsts.set(eventId, text);
    else record.count('stored again');
    if (before !== undefined && before !== text) record.violate('G1', null, `${eventId} is told again and differs`);
  }
  for (const truth of truths)
    judgeEntries(
      truth,
      [...firsts.keys()].filter((eventId) => eventId.startsWith(`${truth.id}.`)),
      record,
    );
}

function judgeEntries(truth: Truth, eventIds: readonly string[], record: Record): void {
  const events = eventIds.map((eventId) => eventId.slice(eventId.indexOf('.') + 1));
  const told = `has ${events.join(' ')} in the stream`;
  if (truth.opening === 'refused' && events.length > 0) record.violate('G3', truth, `was refused and ${told}`);
  if (truth.opening === 'accepted' && events[0] !== '0') record.violate('G2', truth, `was let in and ${told}`);
  const messages = events.filter((event) => event !== '0' && event !== 'close').map(Number);
  if (messages.some((seq, index) => seq !== index + 1)) record.violate('G2', truth, told);
  if (messages.length < truth.delivered) record.violate('G1', truth, `${told}; ${truth.delivered} messages count as delivered`);
  const ends = events.indexOf('close');
  if (ends >= 0 && ends !== events.length - 1) record.violate('G2', truth, told);
  if (truth.isCloseTaken && ends < 0) record.violate('G3', truth, `${told}, its close counts as told`);
  if (ends >= 0) record.count('close in the stream');
}

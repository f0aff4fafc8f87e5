import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MessageEvent, MessageVerdict } from '../../src/core/events.ts';
import { createUnorderedInboxes } from '../../src/core/unordered-inbox.ts';
import type { IntakeClient } from '../../src/core/intake.ts';
import { Meter } from '../../src/core/meter.ts';
import type { Receiver } from '../../src/core/ports.ts';
import { systemClock } from '../../src/core/system-clock.ts';
import { sampleConnection, sampleLimits, SILENT_LOG } from '../contracts/samples.ts';

function scene() {
  const running: { readonly event: MessageEvent; readonly receiver: Receiver<MessageVerdict> }[] = [];
  const heard: string[] = [];
  const { party } = sampleConnection();
  const client: IntakeClient = {
    party,
    push: () => ({ type: 'sent' }),
    reply: ({ data }) => void heard.push(`reply ${data.toString()}`),
    close: (code) => heard.push(`close ${code}`),
    pause: () => void heard.push('pause'),
    resume: () => void heard.push('resume'),
    setTags: () => null,
    emptied: () => void heard.push('emptied'),
  };
  const observer = new Meter();
  const backend = { message: (event: MessageEvent, receiver: Receiver<MessageVerdict>) => void running.push({ event, receiver }) };
  const limits = sampleLimits({ inboxMessages: 4, inboxBytes: 1_000 });
  const inbox = createUnorderedInboxes({ backend, limits })(client, { clock: systemClock, log: SILENT_LOG, observer });
  const receive = (text: string) => inbox.received({ type: 'message', party, seq: 1, data: Buffer.from(text), isBinary: false });
  const settle = (text: string, verdict: MessageVerdict) =>
    running.find(({ event }) => event.data.toString() === text)?.receiver.settled(verdict);
  return { inbox, heard, running, receive, settle };
}

const delivered = (reply: string): MessageVerdict => ({
  type: 'delivered',
  reply: { data: Buffer.from(reply), isBinary: false },
  complaint: null,
});

test('all messages are on their way at once, and each is answered when its verdict comes', () => {
  const { inbox, heard, running, receive, settle } = scene();
  for (const text of ['a', 'b', 'c']) receive(text);
  assert.equal(running.length, 3);
  settle('c', delivered('C'));
  settle('a', delivered('A'));
  assert.ok(!inbox.isIdle);
  settle('b', delivered('B'));
  assert.ok(inbox.isIdle);
  assert.deepEqual(heard, ['reply C', 'reply A', 'reply B', 'emptied']);
});

test('a full one pauses its client, and goes on at half; by bytes too', () => {
  const { heard, receive, settle } = scene();
  for (const text of ['a', 'b', 'c', 'd']) receive(text);
  assert.deepEqual(heard, ['pause']);
  settle('a', delivered('A'));
  assert.ok(!heard.includes('resume'));
  settle('b', delivered('B'));
  assert.ok(heard.includes('resume'));
  const long = scene();
  long.receive('x'.repeat(1_001));
  assert.deepEqual(long.heard, ['pause']);
});

test('what could not be delivered is tried no more; its sender gets the last word, if there is one', () => {
  const { heard, receive, settle } = scene();
  receive('a');
  settle('a', { type: 'retry', afterMs: null, because: 'unreachable', lastWord: { data: Buffer.from('sorry'), isBinary: false } });
  receive('b');
  settle('b', { type: 'retry', afterMs: null, because: 'unreachable' });
  assert.deepEqual(heard, ['reply sorry', 'emptied', 'emptied']);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DELIVERED, type MessageEvent, type Refusal } from '../../src/core/events.ts';
import { Meter } from '../../src/core/meter.ts';
import { Observers, type Observer } from '../../src/core/observer.ts';
import { sampleConnection, sampleRequest } from '../contracts/samples.ts';

/** Everything that an observer can hear, once. */
function happen(observer: Observer): void {
  const { party, remoteAddress, connectedAt } = sampleConnection();
  const message: MessageEvent = { type: 'message', party, seq: 1, data: Buffer.from('hello'), isBinary: false };
  observer.opened(party, 1, sampleRequest());
  const refusal: Refusal = { type: 'refused', status: 403, code: 'FORBIDDEN', message: '' };
  observer.refused(refusal, { route: 'default', request: sampleRequest(), askedAt: 1 });
  observer.received(message);
  observer.answered(message, DELIVERED, 1);
  observer.pushed(party, { data: Buffer.from('welcome'), isBinary: false });
  observer.pushRefused(party, { type: 'too-long', maxBytes: 1 });
  observer.closed({ type: 'close', party, seq: 2, code: 1000, reason: '', isOrphan: false }, { remoteAddress, connectedAt });
  observer.counted('messagesRetried', 3);
}

test('several observers hear the same, in their order', () => {
  const meters = [new Meter(), new Meter()];
  happen(new Observers(meters));
  for (const meter of meters) {
    assert.deepEqual([meter.opensAccepted, meter.opensRefused.get('refused'), meter.closesStarted], [1, 1, 1]);
    assert.deepEqual([meter.messagesReceived, meter.bytesReceived, meter.pushesSent, meter.bytesSent], [1, 5, 1, 7]);
    assert.deepEqual([meter.pushesRefused, meter.messagesRetried], [1, 3]);
  }
});

test('an observer that comes later hears what follows, one that has gone hears nothing, and none hears anything twice', () => {
  const [first, second] = [new Meter(), new Meter()];
  const observers = new Observers([first]);
  happen(observers);
  observers.attach(second);
  observers.attach(second);
  happen(observers);
  observers.detach(second);
  happen(observers);
  assert.deepEqual([first.opensAccepted, second.opensAccepted], [3, 1]);
});

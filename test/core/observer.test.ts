import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Meter } from '../../src/core/meter.ts';
import { observeAll } from '../../src/core/observer.ts';
import { sampleConnection, sampleRequest } from '../contracts/samples.ts';

test('several observers hear the same, in their order; one alone costs nothing between', () => {
  const { party } = sampleConnection();
  const meters = [new Meter(), new Meter()];
  const all = observeAll(meters);
  all.opened(party, sampleRequest());
  all.refused({ type: 'refused', status: 403, code: 'FORBIDDEN', message: '' });
  all.received(party, 5, { data: Buffer.from('hello'), isBinary: false });
  all.pushed(party, 7);
  all.closed({ type: 'close', party, seq: 1, code: 1000, reason: '', isOrphan: false });
  all.counted('messagesRetried', 3);
  for (const meter of meters) {
    assert.deepEqual([meter.opensAccepted, meter.opensRefused.get('refused'), meter.closesStarted], [1, 1, 1]);
    assert.deepEqual([meter.messagesReceived, meter.bytesReceived, meter.pushesSent, meter.bytesSent], [1, 5, 1, 7]);
    assert.equal(meter.messagesRetried, 3);
  }
  assert.equal(observeAll([meters[0] as Meter]), meters[0]);
});

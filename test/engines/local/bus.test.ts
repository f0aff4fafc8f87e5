import { test } from 'node:test';
import assert from 'node:assert/strict';
import { createMemoryBus } from '../../../src/engines/local/bus.ts';
import { sampleGateway } from '../../contracts/samples.ts';
import { busContract } from '../../contracts/bus.ts';

busContract('memory', {
  processes: 1,
  async create(t, processes) {
    const bus = createMemoryBus();
    t.after(() => bus.close());
    for (const handler of processes) await bus.serve(handler);
    return [bus];
  },
});

test('a gateway alone answers for an unknown id at once, not in a promise', () => {
  const gateway = sampleGateway({ bus: createMemoryBus() });
  assert.deepEqual(gateway.dispatch({ type: 'describe', id: 'nobody' }), { type: 'not-found' });
});

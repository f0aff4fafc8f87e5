import { test } from 'node:test';
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { Fifo } from '../../src/core/fifo.ts';

fc.configureGlobal({ seed: 1 }); // a failure prints how to find it again; a run finds what the last one found

test('a fifo does what an array does, whatever is asked of it', () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ type: fc.constant('push' as const), count: fc.integer({ min: 1, max: 60 }) }) },
    { weight: 6, arbitrary: fc.record({ type: fc.constant('shift' as const), count: fc.integer({ min: 1, max: 60 }) }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('clear' as const), count: fc.constant(1) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const fifo = new Fifo<number>();
      let model: number[] = [];
      let next = 0;
      for (const { type, count } of steps) {
        for (let index = 0; index < count; index += 1) {
          if (type === 'push') {
            next += 1;
            fifo.push(next);
            model.push(next);
          } else if (type === 'shift') {
            assert.equal(fifo.shift(), model.shift());
          } else {
            fifo.clear();
            model = [];
          }
          assert.equal(fifo.length, model.length);
        }
      }
      while (model.length > 0) assert.equal(fifo.shift(), model.shift());
      assert.equal(fifo.shift(), undefined);
    }),
  );
});

test('shifting from a long fifo costs the same as from a short one', () => {
  const fifo = new Fifo<number>();
  for (let index = 0; index < 300_000; index += 1) fifo.push(index);
  const startedAt = performance.now();
  for (let index = 0; index < 300_000; index += 1) assert.ok(fifo.shift() === index);
  assert.ok(performance.now() - startedAt < 5_000, 'moving every item at every shift would take minutes');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AddressRate } from '../../src/core/address-rate.ts';
import { ManualClock } from '../contracts/manual-clock.ts';

test('an address may ask ten seconds’ worth at once, then at its rate, and is told how long to wait', async () => {
  const clock = new ManualClock();
  const rate = new AddressRate(clock, 2);
  const taken = (): number => {
    let count = 0;
    while (rate.take('192.0.2.1') === 0) count += 1;
    return count;
  };
  assert.equal(taken(), 20);
  assert.equal(rate.take('192.0.2.1'), 500);
  assert.equal(rate.take('192.0.2.2'), 0, 'another address does not feel it');
  await clock.pass(500);
  assert.equal(taken(), 1, 'what is refused costs nothing');
  await clock.pass(3_600_000);
  assert.equal(taken(), 20, 'what was not used for long is no more than the burst');
});

test('of IPv6 a network of 64 bits is one address', () => {
  const rate = new AddressRate(new ManualClock(), 1);
  for (let host = 0; host < 10; host += 1) assert.equal(rate.take(`2001:db8:0:1::${host}`), 0);
  assert.ok(rate.take('2001:db8:0:1:ffff::1') > 0);
  assert.equal(rate.take('2001:db8:0:2::1'), 0);
});

test('a million addresses cost a bounded table, and those that wait for nothing leave it', async () => {
  const clock = new ManualClock();
  const rate = new AddressRate(clock, 1);
  for (let index = 0; index < 300_000; index += 1) rate.take(`10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`);
  assert.ok(rate.size <= 100_001, String(rate.size));
  await clock.pass(2_000);
  for (let index = 0; index < 60_000; index += 1) rate.take(`192.0.2.${index % 8}`);
  assert.ok(rate.size <= 8, String(rate.size));
});

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

test('hundreds of thousands of addresses cost a bounded table, and those that wait for nothing leave it', async () => {
  const clock = new ManualClock();
  const rate = new AddressRate(clock, 1);
  for (let index = 0; index < 300_000; index += 1) rate.take(`10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`);
  assert.ok(rate.size <= 100_000, String(rate.size));
  for (let seconds = 0; seconds < 25; seconds += 1) {
    await clock.pass(1_000);
    rate.take('192.0.2.1');
  }
  assert.ok(rate.size <= 2, String(rate.size)); // the one, of now and of before
});

test('whoever has used up what he may is not forgotten for it, however the seconds fall', async () => {
  const clock = new ManualClock();
  const rate = new AddressRate(clock, 1);
  let taken = 0;
  for (let tenths = 0; tenths < 600; tenths += 1) {
    if (rate.take('192.0.2.1') === 0) taken += 1;
    await clock.pass(100);
  }
  assert.ok(taken >= 69 && taken <= 71, String(taken));
});

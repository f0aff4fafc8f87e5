import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { BlockList } from 'node:net';
import { test } from 'node:test';
import { addressCheck, callersOf, readAddress } from '../../../src/edge/server/client-address.ts';

const proxies = new BlockList();
proxies.addSubnet('10.0.0.0', 8, 'ipv4');
proxies.addAddress('fd00::1', 'ipv6');
const callers = callersOf(addressCheck(proxies));

function requestFrom(remoteAddress: string, headers: Record<string, string>): IncomingMessage {
  return { socket: { remoteAddress }, headers } as unknown as IncomingMessage;
}

const told = (headers: Record<string, string>, remote = '10.0.0.1') =>
  callers(requestFrom(remote, headers)).map(({ address, isHidden }) => (isHidden ? `${address} hides somebody` : address));

test('an address is read however a proxy writes it', () => {
  for (const [text, address] of [
    ['192.0.2.7', '192.0.2.7'],
    [' 192.0.2.7\t', '192.0.2.7'],
    ['192.0.2.7:4711', '192.0.2.7'],
    ['"192.0.2.7:4711"', '192.0.2.7'],
    ['2001:DB8::7', '2001:db8::7'],
    ['[2001:db8::7]', '2001:db8::7'],
    ['[2001:db8::7]:4711', '2001:db8::7'],
    ['"[2001:db8::7]:4711"', '2001:db8::7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['[::FFFF:192.0.2.7]:1', '192.0.2.7'],
    ['fe80::1%eth0', 'fe80::1'],
  ] as const)
    assert.equal(readAddress(text), address, text);
  for (const text of [
    '',
    'unknown',
    '_hidden',
    '999.1.1.1',
    '192.0.2',
    '192.0.2.7.',
    '[192.0.2.7',
    '"',
    '""',
    '[]',
    ':',
    '::::',
    '192.0.2.7:x:y',
    'evil.example',
    '0x7f.1',
    '127.1',
  ])
    assert.equal(readAddress(text), null, text);
});

test('the caller is the first hop that is no trusted proxy, from the nearest outwards', () => {
  assert.deepEqual(told({}), ['10.0.0.1']);
  assert.deepEqual(told({ 'x-forwarded-for': '192.0.2.7' }), ['192.0.2.7']);
  assert.deepEqual(told({ 'x-forwarded-for': '127.0.0.1, 192.0.2.7:80' }), ['192.0.2.7']);
  assert.deepEqual(told({ 'x-forwarded-for': '192.0.2.7, 10.0.0.2, 10.0.0.3:1' }), ['192.0.2.7']);
  assert.deepEqual(told({ 'x-forwarded-for': '10.0.0.9' }), ['10.0.0.9']);
  assert.deepEqual(told({ forwarded: 'for=192.0.2.7;proto=https' }), ['192.0.2.7']);
  assert.deepEqual(told({ forwarded: 'proto=https; For="[2001:db8::7]:80";by=10.0.0.1' }), ['2001:db8::7']);
  assert.deepEqual(told({ forwarded: 'for=127.0.0.1, for=192.0.2.7' }), ['192.0.2.7']);
  assert.deepEqual(told({ 'x-forwarded-for': '192.0.2.7' }, 'fd00::1'), ['192.0.2.7']);
  assert.deepEqual(told({ 'x-forwarded-for': '192.0.2.7' }, '::ffff:10.0.0.1'), ['192.0.2.7']);
});

test('a stranger is who he is, whatever he writes', () => {
  assert.deepEqual(told({ 'x-forwarded-for': '10.0.0.1', forwarded: 'for=10.0.0.1' }, '192.0.2.66'), ['192.0.2.66']);
});

test('a proxy that says nothing readable hides somebody; limits fall back to the nearest address', () => {
  for (const text of ['', ' ', ',', 'unknown', '_hidden', '192.0.2.7,', '192.0.2.7, unknown'])
    assert.deepEqual(told({ 'x-forwarded-for': text }), ['10.0.0.1 hides somebody'], text);
  assert.deepEqual(told({ 'x-forwarded-for': 'unknown, 10.0.0.5' }), ['10.0.0.5 hides somebody']);
  for (const text of ['', 'proto=https', 'for=unknown', 'by=192.0.2.7', 'for=192.0.2.7, proto=https'])
    assert.deepEqual(told({ forwarded: text }), ['10.0.0.1 hides somebody'], text);
});

test('where both headers come, both are told: one of them may be the client’s own', () => {
  assert.deepEqual(told({ 'x-forwarded-for': '192.0.2.7', forwarded: 'for=127.0.0.1' }), ['192.0.2.7', '127.0.0.1']);
  assert.deepEqual(told({ 'x-forwarded-for': '127.0.0.1', forwarded: '' }), ['127.0.0.1', '10.0.0.1 hides somebody']);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PartyHeaders } from '../../../src/wire/party-headers.ts';
import { createHttpTransport } from '../../../src/backends/http/transport.ts';
import { Meter } from '../../../src/core/meter.ts';
import { Timings } from '../../../src/core/timings.ts';
import { ask, isAnswer, isFailure } from '../../contracts/transport.ts';
import { OK_ANSWER, startPeer } from '../../contracts/http-peer.ts';
import { sampleCall } from '../../contracts/samples.ts';

test('what the calls for a party have alike goes with each of them and with no other, whatever became of the one before', async (t) => {
  const peer = await startPeer(t, ({ socket }) => void socket.write(OK_ANSWER));
  const options = { origin: peer.origin, connections: 1, observer: new Meter(), timings: new Timings() };
  const backends = [createHttpTransport({ ...options, pipelining: 1 }), createHttpTransport({ ...options, pipelining: 4 })];
  t.after(() => Promise.all(backends.map((backend) => backend.close())));
  const partyHeaders = new PartyHeaders(['x-common', 'caf\xe9 \t', 'x-empty', '', 'x-last', 'a: b']);
  for (const backend of backends) {
    const [one, unfitOwn, three, four, unfitCommon, six] = await Promise.all([
      ask(backend, { ...sampleCall({ headers: ['x-own', '1'], isIdempotent: true }), partyHeaders }),
      ask(backend, { ...sampleCall({ headers: ['x-own', 'line\nbreak'] }), partyHeaders }),
      ask(backend, sampleCall({ headers: ['x-own', '3'], isIdempotent: true })),
      ask(backend, { ...sampleCall({ headers: ['x-own', '4'], isIdempotent: true }), partyHeaders: new PartyHeaders([]) }),
      ask(backend, {
        ...sampleCall({ headers: ['x-own', '5'], isIdempotent: true }),
        partyHeaders: new PartyHeaders(['x-bad', 'a\r\nx-injected: 1']),
      }),
      ask(backend, { ...sampleCall({ headers: ['x-own', '6'], isIdempotent: true }), partyHeaders }),
    ]);
    for (const result of [one, three, four, six]) isAnswer(result);
    for (const result of [unfitOwn, unfitCommon]) assert.match(isFailure(result).detail, /invalid x-(own|bad) header/);
  }
  const told = peer.requests.all.map(({ headers }) => headers.filter(([name]) => name.startsWith('x-')).map((header) => header.join('=')));
  const whole = ['x-common=caf\xe9 \t', 'x-empty=', 'x-last=a: b'];
  const wanted = [['x-own=1', ...whole], ['x-own=3'], ['x-own=4'], ['x-own=6', ...whole]];
  assert.deepEqual(told, [...wanted, ...wanted]);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OpenVerdict } from '../../src/core/events.ts';
import { startHeartbeat } from '../../src/core/heartbeat.ts';
import { ManualClock } from '../contracts/manual-clock.ts';
import { sampleGateway, sampleRequest, sampleRoute, sampleSocket } from '../contracts/samples.ts';

const START = 1_000_000;
type Accepted = Extract<OpenVerdict, { type: 'accepted' }>;

/** When a connection is closed, whose request and verdict say so; null: not within ten seconds. */
async function closedAfter(
  request: { readonly expiresAt?: number },
  own: Pick<Accepted, 'expiresAt'>,
): Promise<readonly [ms: number, code: number] | null> {
  const clock = new ManualClock(START);
  const gateway = sampleGateway({ clock });
  const verdict: Accepted = { type: 'accepted', tags: null, data: null, subprotocol: null, message: null, headers: [], ...own };
  const route = sampleRoute({ backend: { ...sampleRoute().backend, open: () => Promise.resolve(verdict) } });
  const decision = await gateway.open(route, sampleRequest(request), () => false);
  assert.ok('connection' in decision);
  let closed: readonly [number, number] | null = null;
  decision.connection.attach(sampleSocket({ close: (code) => (closed ??= [clock.now() - START, code]) }), decision.verdict);
  const heartbeat = startHeartbeat(gateway, () => 10_000);
  await clock.pass(10_000);
  heartbeat.cancel();
  return closed;
}

test('a connection ends with its token, with 4401, at the first sweep after it', async () => {
  const at = START + 4_500;
  assert.deepEqual(await closedAfter({ expiresAt: at }, {}), [5_000, 4_401]);
  assert.deepEqual(await closedAfter({}, { expiresAt: at }), [5_000, 4_401]);
  assert.deepEqual(await closedAfter({ expiresAt: at }, { expiresAt: at - 3_000 }), [2_000, 4_401], 'the earlier one counts');
  assert.deepEqual(await closedAfter({ expiresAt: START - 1 }, {}), [1_000, 4_401], 'also where it ended while it was let in');
});

test('a connection without a token has no such end', async () => {
  assert.equal(await closedAfter({}, {}), null);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LedgerEntry } from '../../../src/core/ports.ts';
import { createInboxes } from '../../../src/core/inbox.ts';
import { systemClock } from '../../../src/core/system-clock.ts';
import type { AwsFunction } from '../../../src/dialects/aws/api.ts';
import type { Authorizer } from '../../../src/dialects/aws/authorization.ts';
import { AwsBackend } from '../../../src/dialects/aws/backend.ts';
import { AwsCodec } from '../../../src/dialects/aws/codec.ts';
import type { FunctionCall, FunctionResult, FunctionTarget } from '../../../src/wire/functions.ts';
import { sampleGateway, sampleRoute, SILENT_LOG } from '../../contracts/samples.ts';
import { awsRequest, ended, opened, sampleApi } from './samples.ts';

const OK: FunctionResult = { type: 'returned', payload: Buffer.from('{"statusCode":200}') };
const TABLE = { target: { type: 'mock' } } as const;

/** A backend whose functions all say this, and what they were asked. */
function backendThat(says: FunctionResult, authorizer: Authorizer | null = null) {
  const api = sampleApi({ routes: { $connect: TABLE, $disconnect: TABLE, $default: TABLE } });
  const calls: FunctionCall[] = [];
  const target: FunctionTarget = {
    invoke(call, receiver) {
      calls.push(call);
      process.nextTick(() => receiver.settled(says));
    },
    stop: () => Promise.resolve(),
  };
  const targets = new Map<AwsFunction, FunctionTarget>([...api.functions.values()].map((fn) => [fn, target]));
  const codec = new AwsCodec(api, (id) => id);
  const backend = new AwsBackend({ api, codec, targets, authorizer, clock: systemClock, log: SILENT_LOG });
  return { api, backend, calls };
}

test('an authorizer is asked first: whom it refuses $connect never hears of, and what it says is in every later event', async () => {
  const refused = { type: 'refused', status: 401, code: 'UNAUTHORIZED', message: 'no' } as const;
  const closed = backendThat(OK, { authorize: () => Promise.resolve(refused) });
  assert.deepEqual(await closed.backend.open(opened(), Infinity), refused);
  assert.deepEqual(closed.calls, []);

  const allowed = { type: 'allowed', principalId: 'ann', context: { admin: 'true' }, latencyMs: 1, expiresAt: null } as const;
  const { backend, calls } = backendThat(OK, { authorize: () => Promise.resolve(allowed) });
  const verdict = await backend.open(opened(), Infinity);
  assert.ok(verdict.type === 'accepted');
  await new Promise<void>((resolve) =>
    backend.close(ended({ party: opened().party.with({ data: verdict.data }) }), { settled: () => resolve() }, Infinity),
  );
  const told = calls.map(
    ({ payload }) => (JSON.parse(payload) as { requestContext: { authorizer: { admin: string } } }).requestContext.authorizer.admin,
  );
  assert.deepEqual(told, ['true', 'true']);
});

test('what breaks its promise not to throw refuses the client, and nothing stays behind', async () => {
  const { backend, api } = backendThat(OK, { authorize: () => Promise.reject(new Error('a fault of ours')) });
  const verdict = await backend.open(opened(), Infinity);
  assert.ok(verdict.type === 'refused' && verdict.status === 502);
  const route = sampleRoute({ backend, intake: createInboxes({ backend, limits: api.limits }), limits: api.limits, idForm: 'short' });
  const gateway = sampleGateway();
  assert.ok('type' in (await gateway.open(route, awsRequest(), () => false)));
  assert.equal(gateway.connections.size, 0);
});

test('the ledger has what the $disconnect of an orphan tells before $connect is asked: a call that is never answered may have let it in', async (t) => {
  const entries: LedgerEntry[] = [];
  const { backend, api } = backendThat({ type: 'failure', reason: 'timeout', wasSent: true, detail: '' });
  const route = sampleRoute({
    name: '/prod',
    backend,
    intake: createInboxes({ backend, limits: api.limits }),
    limits: api.limits,
    idForm: 'short',
  });
  const gateway = sampleGateway({
    ledger: {
      opened: (entry) => void entries.push(entry),
      forget: () => {},
      orphans: () => Promise.resolve([]),
      close: () => Promise.resolve(),
      level: 'process',
      problem: null,
    },
  });
  t.after(() => gateway.closings.stop()); // it tells of the end again and again
  await gateway.open(route, awsRequest(), () => false);
  assert.equal(entries.length, 1);
  assert.equal(entries[0]?.data, awsRequest().data);
  assert.match(entries[0]?.key ?? '', /^[\w-]{15}=$/);
});

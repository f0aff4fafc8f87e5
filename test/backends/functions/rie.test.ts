import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { RIE_DEFAULTS, RieTarget } from '../../../src/backends/functions/rie/target.ts';
import { systemClock } from '../../../src/core/system-clock.ts';
import type { BackendAnswer, Transport } from '../../../src/wire/calls.ts';
import { deadOrigin } from '../../contracts/http-peer.ts';
import { endOfTurn, ManualClock } from '../../contracts/manual-clock.ts';
import { functionCall, functionTargetContract, invoke } from '../../contracts/function-target.ts';
import { startServer, transportTo, type Asked } from './http-functions.ts';

const PATH = '/2015-03-31/functions/function/invocations';
const THROWN = JSON.stringify({ errorType: 'RangeError', errorMessage: 'it is too much', stackTrace: ['…'] });

/** Speaks as the emulator does: always 200, 400 while a call runs. */
async function startEmulator(
  t: TestContext,
  handle: (asked: Asked, event: { readonly say: string }) => void,
  isBusy = (): boolean => false,
) {
  const seen = { running: 0, most: 0, busy: 0 };
  const server = await startServer(t, (asked) => {
    if (seen.running > 0 || isBusy()) {
      seen.busy += 1;
      asked.response.writeHead(400).end();
      return;
    }
    seen.running += 1;
    seen.most = Math.max(seen.most, seen.running);
    asked.response.on('close', () => (seen.running -= 1));
    if (asked.request.method !== 'POST' || asked.request.url !== PATH) asked.response.writeHead(404).end();
    else handle(asked, JSON.parse(asked.body.toString()) as { say: string });
  });
  return { ...server, seen };
}

function rieTarget(t: TestContext, origin: string, maxWaiting: number = RIE_DEFAULTS.maxWaiting): RieTarget {
  const target = new RieTarget({ basePath: '', transport: transportTo(t, origin), clock: systemClock, maxWaiting });
  t.after(() => target.stop());
  return target;
}

const echo = ({ response }: Asked, { say }: { readonly say: string }): void =>
  void response.end(JSON.stringify({ statusCode: 200, body: say }));

functionTargetContract('rie', async (t, behaviour) => {
  const { origin } = await startEmulator(t, (asked, event) => {
    if (behaviour === 'echoes') echo(asked, event);
    else if (behaviour === 'throws') asked.response.end(THROWN);
    else if (behaviour === 'returns much') asked.response.end(JSON.stringify({ body: 'x'.repeat(100_000) }));
  });
  return rieTarget(t, origin);
});

suite('an emulator', () => {
  test('has one call at a time, in the order in which they came', async (t) => {
    const { origin, asked, seen } = await startEmulator(t, (one, event) => setImmediate(echo, one, event));
    const target = rieTarget(t, origin);
    const says = Array.from({ length: 30 }, (_, index) => String(index));
    await Promise.all(says.map((say) => invoke(target, functionCall({ say }))));
    assert.deepEqual(
      asked.all.map(({ body }) => (JSON.parse(body.toString()) as { say: string }).say),
      says,
    );
    assert.deepEqual(seen, { running: 0, most: 1, busy: 0 });
  });

  test('that is busy with the call of somebody else is waited for', async (t) => {
    let refusals = 4;
    const { origin, seen } = await startEmulator(t, echo, () => (refusals -= 1) >= 0);
    const target = rieTarget(t, origin);
    const results = await Promise.all(['a', 'b'].map((say) => invoke(target, functionCall({ say }))));
    assert.deepEqual(
      results.map((result) => (result.type === 'returned' ? result.payload.toString() : result.type)),
      ['a', 'b'].map((say) => JSON.stringify({ statusCode: 200, body: say })),
    );
    assert.equal(seen.busy, 4);
  });

  test('that is busy for longer than a call may take did not run it; the next is served', async () => {
    const clock = new ManualClock();
    let asked = 0;
    let isBusy = true;
    const transport: Transport = {
      call(_call, receiver) {
        asked += 1;
        const answer: BackendAnswer = { type: 'answer', status: isBusy ? 400 : 200, headers: {}, body: Buffer.from('null') };
        process.nextTick(() => receiver.settled(answer));
      },
      close: () => Promise.resolve(),
    };
    const target = new RieTarget({ ...RIE_DEFAULTS, basePath: '', transport, clock });
    const late = invoke(target, functionCall({}, { timeoutMs: 3_000 }));
    await endOfTurn(); // it has been asked once
    await clock.pass(3_000);
    const result = await late;
    assert.ok(result.type === 'failure');
    assert.deepEqual([result.reason, result.wasSent], ['timeout', false]);
    assert.ok(asked > 5 && asked < 20, `asked ${asked} times`);
    isBusy = false;
    const next = invoke(target, functionCall());
    await clock.pass(1_000);
    assert.equal((await next).type, 'returned');
  });

  test('answers 200 for errors too: exceptions, its own time-out, a failed start', async (t) => {
    const rows: readonly (readonly [status: number, body: string, expected: object])[] = [
      [200, THROWN, { type: 'threw', errorType: 'RangeError', message: 'it is too much' }],
      [
        200,
        '{"errorMessage":"2026-11-29 Task timed out","errorType":"Sandbox.Timedout"}',
        { type: 'threw', errorType: 'Sandbox.Timedout', message: '2026-11-29 Task timed out' },
      ],
      [
        200,
        'Task timed out after 3.00 seconds',
        { type: 'threw', errorType: 'Sandbox.Timedout', message: 'Task timed out after 3.00 seconds' },
      ],
      [200, '{"errorMessage":"Unauthorized","trace":[]}', { type: 'threw', errorType: 'Error', message: 'Unauthorized' }],
      [502, '', { type: 'threw', errorType: 'Runtime.EmulatorError', message: 'the emulator answered 502: ' }],
      [200, 'null', { type: 'returned', payload: Buffer.from('null') }],
      [200, '', { type: 'returned', payload: Buffer.alloc(0) }],
      [200, 'no JSON "errorMessage"', { type: 'returned', payload: Buffer.from('no JSON "errorMessage"') }],
      [
        200,
        '{"statusCode":200,"body":"x","errorMessage":"mine"}',
        { type: 'returned', payload: Buffer.from('{"statusCode":200,"body":"x","errorMessage":"mine"}') },
      ],
    ];
    let row = 0;
    const { origin } = await startEmulator(t, ({ response }) => void response.writeHead(rows[row]?.[0] ?? 500).end(rows[row]?.[1]));
    const target = rieTarget(t, origin);
    for (; row < rows.length; row += 1) assert.deepEqual(await invoke(target, functionCall()), rows[row]?.[2], rows[row]?.[1]);
  });

  test('that is not there fails all that wait for it, unsent', async (t) => {
    const target = rieTarget(t, await deadOrigin());
    for (const result of await Promise.all([1, 2, 3].map(() => invoke(target, functionCall())))) {
      assert.ok(result.type === 'failure');
      assert.deepEqual([result.reason, result.wasSent], ['unreachable', false]);
    }
  });

  test('has a line of calls that is bounded', async (t) => {
    const { origin } = await startEmulator(t, () => {});
    const target = rieTarget(t, origin, 1);
    const running = Array.from({ length: 2 }, () => invoke(target, functionCall()));
    const refused = await invoke(target, functionCall());
    assert.ok(refused.type === 'failure' && refused.reason === 'unreachable' && !refused.wasSent);
    await target.stop();
    await Promise.all(running);
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OpenVerdict } from '../../src/core/events.ts';
import type { Gateway } from '../../src/core/gateway.ts';
import type { Socket } from '../../src/core/ports.ts';
import { sayGoodbye } from '../../src/core/goodbyes.ts';
import { endOfTurn, ManualClock } from '../contracts/manual-clock.ts';
import { sampleGateway, sampleRequest, sampleRoute, sampleSocket } from '../contracts/samples.ts';
import { ScriptedTransport } from '../contracts/scripted-transport.ts';

const ACCEPTED: Extract<OpenVerdict, { type: 'accepted' }> = {
  type: 'accepted',
  tags: null,
  data: null,
  subprotocol: null,
  message: null,
  headers: [],
};
const OK = { type: 'answer', status: 200, headers: {}, body: Buffer.from('{"code":"OK"}') } as const;

/** A gateway with so many clients that are in, and so many whose `open` call is still running. */
async function scene({ opening, open }: { readonly opening: number; readonly open: number }) {
  const clock = new ManualClock();
  const backend = new ScriptedTransport();
  const gateway = sampleGateway({ clock, openConcurrency: opening + open });
  const told: number[] = [];
  const codes = new Set<number>();
  for (let count = 0; count < opening; count += 1) void gateway.open(sampleRoute({ transport: backend }), sampleRequest(), () => false);
  await endOfTurn();
  backend.held.length = 0;
  for (let count = 0; count < open; count += 1)
    void letIn(gateway, backend, sampleSocket({ close: (code) => void (codes.add(code), told.push(clock.now())) }));
  await endOfTurn();
  backend.settleAll(OK);
  await endOfTurn();
  return { clock, gateway, told, codes };
}

async function letIn(gateway: Gateway, backend: ScriptedTransport, socket: Socket): Promise<void> {
  const decision = await gateway.open(sampleRoute({ transport: backend }), sampleRequest(), () => false);
  assert.ok('connection' in decision);
  decision.connection.attach(socket, ACCEPTED);
}

for (const opening of [0, 3]) {
  test(`goodbyes are spread evenly over their span, with ${opening} clients still being let in`, async () => {
    const { clock, gateway, told, codes } = await scene({ opening, open: 100 });
    const startedAt = clock.now();
    let isDone = false;
    void sayGoodbye(gateway, 1_000).then(() => (isDone = true));
    await clock.pass(1_100);
    assert.deepEqual([told.length, [...codes], isDone], [100, [1001], true]);
    for (let from = 0; from < 1_000; from += 100) {
      const count = told.filter((at) => at - startedAt >= from && at - startedAt < from + 100).length;
      assert.ok(count <= 20, `${count} goodbyes between ${from} and ${from + 100} ms, the mean is 10`);
    }
    for (const connection of gateway.connections)
      assert.equal(connection.close(1000, '').type, connection.state === 'closing' ? 'not-found' : 'queued');
  });
}

test('without a span all are told at once', async () => {
  const { gateway, told } = await scene({ opening: 1, open: 20 });
  await sayGoodbye(gateway, 0);
  assert.equal(told.length, 20);
});

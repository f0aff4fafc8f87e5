import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleGateway, sampleRequest, sampleRoute, sampleSocket } from '../contracts/samples.ts';
import { endOfTurn, ManualClock } from '../contracts/manual-clock.ts';
import { ANSWER_204, ScriptedTransport } from '../contracts/scripted-transport.ts';
import { headerOf } from '../../src/wire/calls.ts';

const OK = { type: 'answer', status: 200, headers: {}, body: Buffer.from('{"code":"OK"}') } as const;

async function scene() {
  const clock = new ManualClock();
  const transport = new ScriptedTransport();
  const gateway = sampleGateway({ clock });
  const opened = gateway.open(sampleRoute({ transport, clock }), sampleRequest(), () => false);
  await endOfTurn();
  transport.settle(OK);
  const decision = await opened;
  assert.ok('connection' in decision);
  decision.connection.attach(sampleSocket(), decision.verdict);
  const tagsOfLastCall = (): string | null => {
    const call = transport.all.at(-1) ?? assert.fail('no call was made');
    return headerOf(call, 'ws-tags') ?? null;
  };
  return { clock, transport, connection: decision.connection, tagsOfLastCall };
}

test('a message that waited is told with the tags that its client has when it is sent', async () => {
  const { transport, connection, tagsOfLastCall } = await scene();
  connection.receive(Buffer.from('one'), false);
  connection.receive(Buffer.from('two'), false);
  assert.equal(tagsOfLastCall(), null);
  transport.settle({ ...ANSWER_204, headers: { 'ws-set-tags': 'room=1' } });
  assert.equal(tagsOfLastCall(), 'room=1');
});

test('a repetition is told with the tags of then, and the event id of before', async () => {
  const { clock, transport, connection, tagsOfLastCall } = await scene();
  connection.receive(Buffer.from('one'), false);
  transport.settle({ ...ANSWER_204, status: 503 });
  assert.equal(connection.setTags([['room', '2']]), null);
  await clock.pass(200);
  assert.equal(tagsOfLastCall(), 'room=2');
  const [, first, second] = transport.all.map((call) => headerOf(call, 'ws-event-id'));
  assert.ok(first !== undefined && first !== null && first === second);
});

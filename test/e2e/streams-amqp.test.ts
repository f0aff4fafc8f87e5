import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { connect as dial, type ChannelModel } from 'amqplib';
import { amqpMissing, startBroker, type AmqpBroker } from '../support/amqp-broker.ts';
import { startApp } from '../support/app.ts';
import { Arrivals } from '../support/arrivals.ts';
import { connect, tryConnect } from '../support/client.ts';
import { wholeFile } from '../support/guests.ts';
import { routesFile } from '../support/routes-file.ts';
import { connectedBackend } from '../support/stream-backends.ts';
import { firstsOf, judge, outageMs, talkDuring, talkers, type Told } from '../support/stream-witness.ts';
import { backendContract } from '../contracts/backend.ts';
import { setTimeout as elapsed } from 'node:timers/promises';

const skip = amqpMissing();

type Body = Readonly<Record<string, string>>;
type Message = { readonly body: Body; readonly key: string; readonly isPersistent: boolean; readonly id: string };

/** One for all tests, since its start costs seconds; each has an exchange of its own. */
const broker = skip === false ? await startBroker(wholeFile) : ({ url: '' } as AmqpBroker);

/** A plain consumer. */
async function consume(
  t: TestContext,
  queue: string,
): Promise<{ readonly messages: Arrivals<Message>; readonly connection: ChannelModel }> {
  const connection = await dial(broker.url);
  connection.on('error', () => {});
  t.after(() => connection.close().catch(() => {}));
  const channel = await connection.createChannel();
  await channel.assertQueue(queue, { durable: true });
  const messages = new Arrivals<Message>();
  await channel.consume(queue, (message) => {
    if (message === null) return;
    const { properties, fields, content } = message;
    messages.add({
      body: JSON.parse(content.toString()) as Body,
      key: fields.routingKey,
      isPersistent: properties.deliveryMode === 2,
      id: String(properties.messageId),
    });
    channel.ack(message);
  });
  return { messages, connection };
}

async function gatewayWith(t: TestContext, query: string, more = ''): Promise<Awaited<ReturnType<typeof startApp>>> {
  const text = `routes:\n  - { path: "/*", dialect: stream, backend: "${broker.url}/?${query}"${more} }\n`;
  return startApp(t, { ROUTES_FILE: (await routesFile(t, text)).path });
}

/** A queue of the exchange that takes nothing any more: the broker says so of every message. */
async function makeFull(t: TestContext, exchange: string): Promise<void> {
  const connection = await dial(broker.url);
  t.after(() => connection.close());
  const channel = await connection.createConfirmChannel();
  const { queue } = await channel.assertQueue('', { exclusive: true, arguments: { 'x-max-length': 1, 'x-overflow': 'reject-publish' } });
  await channel.bindQueue(queue, exchange, '#');
  channel.publish(exchange, '', Buffer.from('x'));
  await channel.waitForConfirms();
}

suite('streams over RabbitMQ', { skip }, () => {
  test('a plain consumer reads what a client does; binary comes as base64', async (t) => {
    const gateway = await gatewayWith(t, 'exchange=events1&queue=events1', ', tags: { version: "2" }');
    const client = await connect(t, `${gateway.wsUrl}/x`);
    client.ws.send('grüß "Gott"');
    client.ws.send(Buffer.from([0, 255]));
    const { messages } = await consume(t, 'events1');
    await messages.atLeast(3);
    client.ws.close(4001, 'bye');
    await messages.atLeast(4);
    const connection = messages.all[0]?.body['connection'] ?? '';
    const common = { connection, tags: 'version=2', route: '/*' };
    assert.deepEqual(
      messages.all.map(({ body }) => body),
      [
        { ...common, action: 'open', event_id: `${connection}.0`, path: '/x', remote_address: '127.0.0.1' },
        { ...common, action: 'message', type: 'text', message: 'grüß "Gott"', event_id: `${connection}.1` },
        { ...common, action: 'message', type: 'binary', message: 'AP8=', encoding: 'base64', event_id: `${connection}.2` },
        { ...common, action: 'close', event_id: `${connection}.close`, close_code: '4001', close_reason: 'bye' },
      ],
    );
    assert.ok(messages.all.every(({ isPersistent, id, body }) => isPersistent && id === body['event_id']));
  });

  test('an open that no queue takes is refused, as mandatory says; without it nobody asks', async (t) => {
    const strict = await gatewayWith(t, 'exchange=nobody');
    const refused = await tryConnect(t, `${strict.wsUrl}/x`);
    assert.ok('status' in refused && refused.status === 502, 'a client that no consumer would hear of is not let in');
    const free = await gatewayWith(t, 'exchange=nobody&mandatory=false');
    await connect(t, `${free.wsUrl}/x`);
  });

  backendContract(
    'amqp',
    async (t, behaviour) => {
      const full = behaviour === 'unavailable';
      const backend = await connectedBackend(`${broker.url}/?exchange=contract-${behaviour.length}&mandatory=false`);
      if (full) await makeFull(t, `contract-${behaviour.length}`);
      if (behaviour === 'hangs') {
        broker.freeze();
        t.after(broker.thaw);
      }
      return backend;
    },
    { canRefuse: false },
  );

  test('a broker that stands still, and one that is killed and started: all once or marked, in order, nobody closed', async (t) => {
    const gateway = await gatewayWith(t, 'exchange=outage&queue=outage');
    const all = await talkers(t, gateway.wsUrl, 10);
    await talkDuring(all, async () => {
      await elapsed(100);
      broker.freeze();
      await elapsed(outageMs(1_000));
      broker.thaw();
      await elapsed(200);
      broker.freeze();
      await elapsed(100); // of each talker there is something on its way
      await broker.kill();
      await elapsed(outageMs(0));
      await broker.restart();
      await elapsed(200);
    });
    const said = all.reduce((sum, talker) => sum + talker.said, 0);
    const { messages } = await consume(t, 'outage');
    for (let tries = 0; firstsOf(toldBy(messages)) < said && tries < 400; tries += 1) await elapsed(100);
    judge(all, toldBy(messages));
    all[0]?.client.ws.close(1000);
    await messages.first(({ body }) => body['action'] === 'close');
  });

  test('routing keys follow tags and JSON', async (t) => {
    const gateway = await gatewayWith(
      t,
      'exchange=keys&queue=keys&routingKey=ws.{tag.room:none}.{json.kind:other}',
      ', tags: { room: "blue" }',
    );
    const client = await connect(t, `${gateway.wsUrl}/x`);
    client.ws.send('{"kind":"chat"}');
    client.ws.send(`{"kind":"${'x'.repeat(300)}"}`);
    const { messages } = await consume(t, 'keys');
    await messages.atLeast(3);
    assert.deepEqual(
      messages.all.map(({ key }) => key),
      ['ws.blue.other', 'ws.blue.chat', 'ws.none.other'],
    );
  });

  test('commands come from a queue: what a dead consumer held too, and what cannot be understood is a dead letter', async (t) => {
    const { connection, messages: answers } = await consume(t, 'answers');
    const channel = await connection.createConfirmChannel();
    await channel.assertQueue('todo', { durable: true });
    const command = (body: unknown, options: object = {}) =>
      channel.sendToQueue('todo', Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), options);
    const dead = await dial(broker.url);
    const deadChannel = await dead.createChannel();
    const taken = new Promise((resolve) => void deadChannel.consume('todo', resolve));
    command({ action: 'send', selector: 'all=true', message: 'taken by one that dies' }, { messageId: 'm1' });
    await taken;
    const gateway = await gatewayWith(t, 'exchange=c&mandatory=false&commands=todo');
    const client = await connect(t, `${gateway.wsUrl}/x`);
    await dead.close();
    await client.frames.atLeast(1);
    command(
      { action: 'send', selector: 'all=true', type: 'binary', message: 'AP8=', encoding: 'base64' },
      { replyTo: 'answers', correlationId: 'c1' },
    );
    command({ action: 'settags', selector: 'all=true', message: 'seen=1', reply_to: 'answers' });
    command('no JSON', { messageId: 'm2' });
    command({ action: 'send', selector: 'all=true', message: 7 });
    command({ action: 'close', selector: 'seen=1&closeCode=4002' });
    assert.equal((await client.ended).code, 4002);
    assert.deepEqual(
      client.frames.all.map(({ text, isBinary, data }) => (isBinary ? data.toString('hex') : text)),
      ['taken by one that dies', '00ff'],
    );
    await answers.atLeast(2);
    assert.deepEqual(
      answers.all.map(({ body: { action, outcome, sent } }) => [action, outcome, sent]),
      [
        ['send', 'ok', '1'],
        ['settags', 'ok', '1'],
      ],
    );
    const reasons: string[] = [];
    for (let tries = 0; reasons.length < 2 && tries < 200; tries += 1) {
      const letter = await channel.get('todo.dead', { noAck: true });
      if (letter === false) await elapsed(10);
      else reasons.push(`${letter.content.toString()}: ${String(letter.properties.headers?.['reason'])}`);
    }
    assert.deepEqual(reasons, [
      'no JSON: it is no JSON',
      '{"action":"send","selector":"all=true","message":7}: "message" must be a string',
    ]);
    assert.equal((await channel.checkQueue('todo')).messageCount, 0);
  });
});

function toldBy({ all }: Arrivals<Message>): Told[] {
  return all.map(({ body }) => ({ text: body }));
}

import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { connect as dial, type ChannelModel } from 'amqplib';
import { amqpMissing, startBroker, type AmqpBroker } from '../support/amqp-broker.ts';
import { startApp } from '../support/app.ts';
import { Arrivals } from '../support/arrivals.ts';
import { connect, tryConnect } from '../support/client.ts';
import { wholeFile } from '../support/guests.ts';
import { routesFile } from '../support/routes-file.ts';

const skip = amqpMissing();

type Body = Readonly<Record<string, string>>;
type Message = { readonly body: Body; readonly key: string; readonly isPersistent: boolean; readonly id: string };

/** One for all tests, since its start costs seconds; each has an exchange of its own. */
const broker = skip === false ? await startBroker(wholeFile) : ({ url: '' } as AmqpBroker);

suite('streams over RabbitMQ', { skip }, () => {
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
});

import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { connect as dial } from 'amqplib';
import { amqpMissing, startBroker } from '../support/amqp-broker.ts';
import { Arrivals } from '../support/arrivals.ts';
import { startAuthority, type Authority } from '../support/authority.ts';
import { connect, tryConnect } from '../support/client.ts';
import { startGateway } from '../support/gateway.ts';
import { wholeFile } from '../support/guests.ts';
import { routesFile } from '../support/routes-file.ts';

const skip = amqpMissing();

type Body = Readonly<Record<string, string>>;

suite('streams over RabbitMQ with TLS', { skip }, async () => {
  if (skip !== false) return;
  const [right, wrong] = await Promise.all([startAuthority(wholeFile, 'right'), startAuthority(wholeFile, 'wrong')]);
  const broker = await startBroker(wholeFile, await right.issue('broker'));

  /** Its commands come by TLS, too. Node reads what it trusts once, at its start. */
  async function gatewayTrusting(t: TestContext, { certFile }: Authority) {
    const backend = `${broker.tlsUrl}/?exchange=secured&queue=secured&commands=orders`;
    const { path } = await routesFile(t, `routes:\n  - { path: "/*", dialect: stream, backend: "${backend}" }\n`);
    return startGateway(t, { ROUTES_FILE: path, NODE_EXTRA_CA_CERTS: certFile });
  }

  test('what clients do is told and confirmed, and commands come, where the CA of the broker is trusted', async (t) => {
    const gateway = await gatewayTrusting(t, right);
    const client = await connect(t, `${gateway.wsUrl}/x`); // let in: its open entry is confirmed
    for (const word of ['one', 'two', 'three']) client.ws.send(word);
    const connection = await dial(broker.tlsUrl, { ca: right.cert });
    t.after(() => connection.close());
    const channel = await connection.createChannel();
    const bodies = new Arrivals<Body>();
    await channel.consume('secured', (message) => message !== null && bodies.add(JSON.parse(message.content.toString()) as Body), {
      noAck: true,
    });
    await bodies.atLeast(4);
    channel.sendToQueue('orders', Buffer.from(JSON.stringify({ action: 'send', selector: 'all=true', message: 'ordered' })));
    assert.equal((await client.frames.first(() => true)).text, 'ordered');
    client.ws.close(1000, 'bye');
    await bodies.atLeast(5);
    assert.deepEqual(
      bodies.all.map(({ action, message, close_reason: reason }) => [action, message ?? reason]),
      [['open', undefined], ...['one', 'two', 'three'].map((word) => ['message', word]), ['close', 'bye']],
    );
    const metrics = await (await fetch(`${gateway.controlUrl}/metrics`)).text();
    assert.match(metrics, /^wsaas_messages_delivered_total 3$/m, 'the broker has confirmed them');
  });

  test('with another CA a client is refused, and the log says why', async (t) => {
    const gateway = await gatewayTrusting(t, wrong);
    const reason = /^no CA that is trusted here vouches for its certificate \(.+; NODE_EXTRA_CA_CERTS adds a CA\)$/;
    for (const msg of ['broker is away: events wait', 'commands cannot be read for now'])
      assert.match(String((await gateway.log.first((line) => line.msg === msg))['because']), reason);
    const refused = await tryConnect(t, `${gateway.wsUrl}/x`);
    assert.ok('status' in refused && refused.status === 502);
  });
});

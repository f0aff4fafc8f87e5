import assert from 'node:assert/strict';
import { request } from 'node:http';
import { suite, test } from 'node:test';
import { startApp } from '../support/app.ts';
import { eventOf, startAws, type AwsEvent, type AwsHandler } from '../support/aws-scene.ts';
import { startBackend } from '../support/backend.ts';
import { connect, refusal } from '../support/client.ts';
import { routesFile } from '../support/routes-file.ts';

const HANGS = null;
const jsonOf = (text: string) => JSON.parse(text) as Record<string, unknown>;

const hangsAtConnect: AwsHandler = ({ requestContext: { eventType } }) => (eventType === 'CONNECT' ? HANGS : { statusCode: 200 });

/** Fails as it is told. */
function sickly({ requestContext: { eventType, routeKey }, body = '' }: AwsEvent): ReturnType<AwsHandler> {
  if (eventType !== 'MESSAGE') return { statusCode: 200 };
  if (body.includes('hang')) return HANGS;
  if (body.includes('garbage')) return '<html>';
  if (body.includes('throw')) return { status: 500 };
  if (body.includes('huge')) return { statusCode: 200, body: 'x'.repeat(6 * 2 ** 20) };
  return routeKey === 'reply' ? { statusCode: 200, body } : { statusCode: 200 };
}

const say = (text: string): string => `{"action":"reply","text":"${text}"}`;

suite('a client of dialect aws', { concurrency: 4 }, () => {
  test('connects, calls, is answered and leaves: three events of one connection', async (t) => {
    const { enter, event, backend } = await startAws(t, { handler: ({ body = '' }) => ({ statusCode: 200, body: `got ${body}` }) });
    const client = await enter('/prod?room=a&room=b%20c');
    assert.match(client.id, /^[\w-]{15}=$/);
    const connected = await event('CONNECT');
    assert.deepEqual(connected.queryStringParameters, { room: 'b c' });
    client.ws.send('{"action":"reply","n":1}');
    assert.equal((await client.frames.first(() => true)).text, 'got {"action":"reply","n":1}');
    client.ws.send('one way');
    await backend.calls.first(({ text }) => text.includes('one way'));
    client.ws.close();
    const { requestContext } = await event('DISCONNECT');
    assert.deepEqual(
      [requestContext.disconnectStatusCode, requestContext.disconnectReason],
      [1005, 'Client-side close frame status not set'],
    );
    assert.equal(requestContext.connectionId, client.id);
    assert.equal(requestContext['connectedAt'], connected.requestContext['connectedAt']);
    assert.equal(client.frames.all.length, 1, 'a one-way route answers nothing');
  });

  test('is upgraded only when $connect has returned, with the subprotocol and the cookies that it chose', async (t) => {
    let hasReturned = false;
    const handler = async () => {
      await new Promise((resolve) => setImmediate(resolve));
      hasReturned = true;
      return { statusCode: 200, headers: { 'sec-websocket-protocol': 'v1' }, multiValueHeaders: { 'Set-Cookie': ['a=1'] } };
    };
    const { gateway } = await startAws(t, { handler });
    const client = await connect(t, `${gateway.wsUrl}/prod/`, { subprotocols: ['v2', 'v1'] });
    assert.ok(hasReturned);
    assert.equal(client.ws.protocol, 'v1');
    assert.deepEqual(client.headers['set-cookie'], ['a=1']);
  });

  test('is refused by the status, the body and the headers of $connect, and no $disconnect follows', async (t) => {
    const { gateway, events } = await startAws(t, {
      handler: () => ({ statusCode: 403, headers: { 'x-why': 'banned', 'content-type': 'text/plain' }, body: 'you are banned' }),
    });
    const { status, body, headers } = await refusal(t, `${gateway.wsUrl}/prod`);
    assert.deepEqual([status, body, headers['x-why'], headers['content-type']], [403, 'you are banned', 'banned', 'text/plain']);
    assert.equal(events().length, 1);
  });

  test('gets 502 for a handler that throws or returns garbage, in AWS’s JSON', async (t) => {
    const { gateway } = await startAws(t, { handler: () => '<html>' });
    const { status, body } = await refusal(t, `${gateway.wsUrl}/prod`);
    assert.equal(status, 502);
    const told = jsonOf(body);
    assert.deepEqual(Object.keys(told), ['message', 'connectionId', 'requestId']);
    assert.equal(told['message'], 'Internal server error');
  });

  test('gets 504 when $connect takes too long, and its end is told as it may have been let in', async (t) => {
    const { gateway, event } = await startAws(t, { handler: hangsAtConnect, routes: { $connect: { timeoutMs: 60 } } });
    const { status, body } = await refusal(t, `${gateway.wsUrl}/prod`);
    assert.deepEqual([status, jsonOf(body)['message']], [504, 'Endpoint request timed out']);
    const { requestContext } = await event('DISCONNECT');
    assert.deepEqual([requestContext.disconnectStatusCode, requestContext.disconnectReason], [1006, 'open unanswered']);
  });

  test('comes in without asking where there is no $connect', async (t) => {
    const { gateway } = await startAws(t, { route: { routes: { $disconnect: { target: { type: 'mock' } } } } });
    const client = await connect(t, `${gateway.wsUrl}/prod`);
    client.ws.send('nobody takes this');
    const frame = jsonOf((await client.frames.first(() => true)).text);
    assert.equal(frame['message'], 'Forbidden');
    assert.equal(client.ws.readyState, client.ws.OPEN);
  });

  test('on a stage that is not there gets 403, and a plain request 426', async (t) => {
    const { gateway } = await startAws(t);
    const { status, body } = await refusal(t, `${gateway.wsUrl}/nope`);
    assert.deepEqual([status, body], [403, '{"message":"Forbidden"}']);
    const plain = await fetch(`${gateway.publicUrl}/prod`);
    assert.equal(plain.status, 426);
  });

  test('who claims to be elsewhere is not believed', async (t) => {
    const { gateway, event } = await startAws(t);
    await connect(t, `${gateway.wsUrl}/prod`, { headers: { 'X-Forwarded-For': '6.6.6.6', Host: 'evil.example.com', 'user-agent': 'x/1' } });
    const { headers, requestContext } = await event('CONNECT');
    assert.equal(headers?.['X-Forwarded-For'], '127.0.0.1');
    assert.deepEqual(requestContext['identity'], { sourceIp: '127.0.0.1', userAgent: 'x/1' });
    assert.match(requestContext.domainName, /^localhost:\d+$/);
  });

  test('whose message fails gets AWS’s frame and stays; others notice nothing', async (t) => {
    const { enter } = await startAws(t, { handler: sickly, route: { backendTimeoutMs: 500 } });
    const [sick, healthy] = await Promise.all([enter(), enter()]);
    for (const text of ['garbage', 'throw', 'huge', 'hang']) sick.ws.send(say(text));
    sick.ws.send(say('at last'));
    for (let n = 0; n < 20; n += 1) healthy.ws.send(say(`fine ${n}`));
    const fine = await healthy.frames.atLeast(20);
    assert.deepEqual(
      fine.map(({ text }) => text),
      Array.from({ length: 20 }, (_none, n) => say(`fine ${n}`)),
    );
    const frames = await sick.frames.atLeast(5);
    assert.deepEqual(
      frames.slice(0, 4).map(({ text }) => jsonOf(text)['message']),
      ['Internal server error', 'Internal server error', 'Internal server error', 'Endpoint request timed out'],
    );
    assert.equal(frames[4]?.text, say('at last'), 'in order');
  });

  test('whose function is away waits for it, in order, and is told by a frame when its time is over', async (t) => {
    const { enter, backend } = await startAws(t, {
      handler: ({ body }) => ({ statusCode: 200, body: body ?? '' }),
      route: { backendTimeoutMs: 700 },
    });
    const client = await enter();
    await backend.kill();
    client.ws.send('{"action":"reply","n":1}');
    const frame = await client.frames.first(() => true);
    assert.equal(jsonOf(frame.text)['message'], 'Internal server error');
    client.ws.send('{"action":"reply","n":2}');
    await backend.revive();
    assert.equal((await client.frames.atLeast(2))[1]?.text, '{"action":"reply","n":2}');
    assert.equal(client.ws.readyState, client.ws.OPEN);
  });

  test('sends binary to $default as base64; where strict is set it is closed with 1003', async (t) => {
    const { enter, event } = await startAws(t);
    const client = await enter();
    client.ws.send(Buffer.from([0, 255]));
    const { body, isBase64Encoded, requestContext } = await event('MESSAGE');
    assert.deepEqual([body, isBase64Encoded, requestContext.routeKey], ['AP8=', true, '$default']);
    const strict = await startAws(t, { route: { strict: true } });
    const refused = await strict.enter();
    refused.ws.send(Buffer.from([1]));
    assert.equal((await refused.ended).code, 1003);
    assert.equal((await strict.event('DISCONNECT')).requestContext.disconnectStatusCode, 1003);
    const big = await strict.enter();
    big.ws.send('x'.repeat(131_073));
    assert.equal((await big.ended).code, 1009);
  });

  test('over the throttle of its route is told so: 429 at $connect, a frame for a message', async (t) => {
    const throttle = { rate: 0.001, burst: 2 };
    const { enter, gateway, events } = await startAws(t, { routes: { $connect: { throttle }, reply: { routeResponse: true, throttle } } });
    const client = await enter();
    await enter();
    const { status, headers, body } = await refusal(t, `${gateway.wsUrl}/prod`);
    assert.deepEqual([status, jsonOf(body)['message']], [429, 'Too Many Requests']);
    assert.ok(Number(headers['retry-after']) > 100);
    for (let n = 0; n < 3; n += 1) client.ws.send('{"action":"reply"}');
    assert.equal(jsonOf((await client.frames.first(() => true)).text)['message'], 'Too Many Requests');
    assert.equal(events().filter(({ requestContext: { eventType } }) => eventType === 'MESSAGE').length, 2);
  });

  test('that is idle or old is closed with 1001, and told as going away', async (t) => {
    const { enter, event } = await startAws(t, { route: { maxIdleMs: 150 } });
    const idle = await enter();
    assert.equal((await idle.ended).code, 1001);
    const told = (await event('DISCONNECT', idle.id)).requestContext;
    assert.deepEqual([told.disconnectStatusCode, told.disconnectReason], [1001, 'Going away']);
    const aged = await startAws(t, { route: { maxAgeMs: 200 } });
    const old = await aged.enter();
    const timer = setInterval(() => old.ws.send('busy'), 20);
    t.after(() => clearInterval(timer));
    assert.equal((await old.ended).code, 1001);
  });

  test('messages are one at a time and in order, unless concurrent is set; $disconnect comes last in both', async (t) => {
    for (const concurrent of [false, true]) {
      let [running, most] = [0, 0];
      const handler = async ({ requestContext: { eventType } }: AwsEvent) => {
        if (eventType !== 'MESSAGE') return { statusCode: 200 };
        running += 1;
        most = Math.max(most, running);
        for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
        return { statusCode: 200 };
      };
      const { enter, event, events } = await startAws(t, { handler, route: { concurrent } });
      const client = await enter();
      for (let n = 0; n < 10; n += 1) client.ws.send(`m${n}`);
      client.ws.close();
      await event('DISCONNECT');
      const bodies = events().flatMap(({ body }) => body ?? []);
      assert.deepEqual(
        concurrent ? bodies.toSorted() : bodies,
        Array.from({ length: 10 }, (_none, n) => `m${n}`),
      );
      assert.ok(concurrent ? most > 1 : most === 1, `${most} at once`);
      assert.equal(events().at(-1)?.requestContext.eventType, 'DISCONNECT');
    }
  });

  test('who leaves while $connect runs is told of once, if it was let in', async (t) => {
    const entered = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<void>();
    const { gateway, event } = await startAws(t, {
      handler: async ({ requestContext: { eventType } }) => {
        if (eventType === 'CONNECT') {
          entered.resolve();
          await gone.promise;
        }
        return { statusCode: 200 };
      },
    });
    const asking = request(gateway.publicUrl, {
      path: '/prod',
      headers: {
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
      },
    });
    asking.on('error', () => {});
    asking.end();
    await entered.promise;
    asking.destroy();
    setImmediate(gone.resolve);
    assert.equal((await event('DISCONNECT')).requestContext.disconnectStatusCode, 1006);
  });

  test('is told of as going away when the gateway leaves', async (t) => {
    const { gateway, enter, event } = await startAws(t);
    const client = await enter();
    await gateway.drain();
    assert.equal((await client.ended).code, 1001);
    const { disconnectStatusCode, disconnectReason } = (await event('DISCONNECT')).requestContext;
    assert.deepEqual([disconnectStatusCode, disconnectReason], [1001, 'Going away']);
  });

  test('all routes may go to one URL, which answers in the words of HTTP', async (t) => {
    const backend = await startBackend(t, ({ text }) => {
      const { eventType } = eventOf({ text }).requestContext;
      if (eventType === 'CONNECT') return { status: 204, headers: { 'Sec-WebSocket-Protocol': 'v1', 'Set-Cookie': 'a=1' } };
      return { status: 200, body: 'an answer' };
    });
    const routes = 'routes: { $connect: {}, $disconnect: {}, say: { routeResponse: true }, $default: {} }';
    const { path } = await routesFile(t, `routes:\n  - { path: /, dialect: aws, backend: "${backend.url}", ${routes} }\n`);
    const { wsUrl } = await startApp(t, { ROUTES_FILE: path });
    const client = await connect(t, wsUrl, { subprotocols: ['v1'] });
    assert.deepEqual([client.ws.protocol, client.headers['set-cookie']], ['v1', ['a=1']]);
    client.ws.send('{"action":"say"}');
    assert.equal((await client.frames.first(() => true)).text, 'an answer');
    const events = backend.calls.all.map(eventOf);
    assert.deepEqual([...new Set(events.map(({ requestContext: { stage } }) => stage))], ['$default']);
  });
});

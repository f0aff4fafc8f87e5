import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError, createGateway, type GatewayOptions, type Handlers } from '../../src/index.ts';
import { connect } from '../support/client.ts';
import { host, isCall, recorded } from '../support/hosted.ts';

const ECHO: Handlers = { onMessage: (client, data) => client.send(data) };

async function problemsOf(given: unknown): Promise<readonly string[]> {
  try {
    await (await createGateway(given as GatewayOptions)).close();
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.problems;
  }
  return [];
}

test('every mistake is told at once: of options, of routes, of handlers', async () => {
  const problems = await problemsOf({
    options: { PORT: 'many', WS_TIMOUT: 5, WORKERS: 2, API_URI: 'http://x', LOG_LEVEL: {}, NOTHING_LIKE_IT: 1 },
    routes: [
      { path: 'no-slash', backend: ECHO },
      { path: '/a', backend: { onmessage() {} } },
      { path: '/b', backend: ECHO, dialect: 'ocpp', unknown: true },
      { path: '/c' },
      { path: '/d', backend: { onMessage: 'x' }, maxMessageBytes: 1.5 },
      { path: '/e', backend: {} },
    ],
    rotes: [],
    logger: { info() {} },
  });
  const told = problems.join('\n');
  for (const [what, wanted] of [
    ['rotes', /^rotes: is not known here; routes, options, logger are$/m],
    ['PORT', /^PORT: must be a whole number, came "many"$/m],
    ['WS_TIMOUT', /^WS_TIMOUT: is no option; did you mean WS_TIMEOUT\?$/m],
    ['WORKERS', /^WORKERS: has no meaning here: a gateway in your program is one process$/m],
    ['API_URI', /^API_URI: has no meaning here/m],
    ['LOG_LEVEL', /^LOG_LEVEL: must be a number, a boolean or a text, an object came$/m],
    ['NOTHING_LIKE_IT', /^NOTHING_LIKE_IT: is no option \(docs\/configuration.md\)$/m],
    ['path', /^routes\.0\.path: must match/m],
    ['a name', /^routes\.1\.backend: onmessage is no callback; did you mean onMessage\?$/m],
    ['ocpp', /^routes\.2\.backend: code in the gateway cannot serve dialect ocpp/m],
    ['unknown', /^routes\.2\.unknown: is not known here$/m],
    ['no backend', /^routes\.3: .*backend/m],
    ['no function', /^routes\.4\.backend: onMessage must be a function, string came$/m],
    ['limit', /^routes\.4\.maxMessageBytes: must be integer$/m],
    ['nothing', /^routes\.5\.backend: handlers must have at least one of onOpen/m],
    ['logger', /^logger: must have a function error$/m],
  ] as const)
    assert.match(told, wanted, what);
  assert.equal(problems.length, 19, told);
});

test('what is no object with routes is a mistake, and not a fault', async () => {
  for (const wrong of [
    undefined,
    null,
    5,
    {},
    { routes: [] },
    { routes: ECHO },
    { routes: [null] },
    { routes: [{ path: '/a', backend: 5 }] },
  ])
    assert.ok((await problemsOf(wrong)).length > 0, JSON.stringify(wrong));
});

test('options are numbers, booleans or texts, and neither the environment nor .env is read', async (t) => {
  process.env['MAX_MESSAGE_BYTES'] = '7';
  t.after(() => delete process.env['MAX_MESSAGE_BYTES']);
  const { gateway, wsUrl } = await host(t, ECHO, {
    options: { WS_TIMEOUT: '45000', COMPRESSION: true, REQUIRE_BUS: false, NODE_NAME: 'here' },
  });
  assert.deepEqual([gateway.limits.maxMessageBytes, gateway.limits.idleTimeoutMs, gateway.node], [262_144, 45_000, 'here']);
  const { ws } = await connect(t, wsUrl, { perMessageDeflate: true });
  assert.match(ws.extensions, /permessage-deflate/);
});

test('the largest message may be changed while the gateway runs: for connections from then on, on routes without a limit of their own', async (t) => {
  const own = recorded(ECHO);
  const { gateway, wsUrl } = await host(
    t,
    {},
    {
      options: { MAX_MESSAGE_BYTES: 100 },
      routes: [
        { path: '/own', backend: own.handlers, maxMessageBytes: 50 },
        { path: '/*', backend: own.handlers },
      ],
    },
  );
  const old = await connect(t, wsUrl);
  gateway.limits.maxMessageBytes = 1_000;
  assert.equal(gateway.limits.maxMessageBytes, 1_000);
  const fresh = await connect(t, wsUrl);
  const limited = await connect(t, `${wsUrl}/own`);
  const long = 'x'.repeat(1_000);
  fresh.ws.send(long);
  assert.equal((await fresh.frames.first(() => true)).text, long);
  old.ws.send('x'.repeat(101));
  assert.equal((await old.ended).code, 1009);
  limited.ws.send('x'.repeat(51));
  assert.equal((await limited.ended).code, 1009);
  gateway.limits.maxMessageBytes = 10;
  const small = await connect(t, wsUrl);
  small.ws.send('x'.repeat(11));
  assert.equal((await small.ended).code, 1009);
  for (const wrong of [0, -1, 1.5, Number.NaN, 2 ** 31, '5' as never])
    assert.throws(() => (gateway.limits.maxMessageBytes = wrong), RangeError, String(wrong));
  assert.equal(gateway.limits.maxMessageBytes, 10);
});

test('the idle time may be changed while the gateway runs, and the heartbeat keeps up with it', async (t) => {
  const own = recorded();
  const { gateway, wsUrl } = await host(t, own.handlers);
  gateway.limits.idleTimeoutMs = 100;
  const peer = await connect(t, wsUrl, { autoPong: false });
  assert.deepEqual((await own.calls.first(isCall('onClose'), 5_000)).parts, [1001, 'ping timeout']);
  await peer.ended;
  assert.throws(() => (gateway.limits.idleTimeoutMs = -1), /idleTimeoutMs \(WS_TIMEOUT\) must be a whole number/);
});

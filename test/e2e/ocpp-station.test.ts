import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { ask } from '../support/ask.ts';
import { startBackend, type Backend, type Call, type Handler } from '../support/backend.ts';
import { startGateway } from '../support/gateway.ts';
import { wholeFile } from '../support/guests.ts';
import { routesFile } from '../support/routes-file.ts';
import { enterStation, type Station, type StationOptions } from '../support/station.ts';

type Answered = { readonly status: number; readonly body: unknown };
type Scene = {
  readonly backend: Backend;
  readonly enter: (t: TestContext, own: Partial<StationOptions> & Pick<StationOptions, 'identity'>) => Promise<Station>;
  /** `POST /call/<rest>` on the gateway, over a connection of its own: any worker may get it. */
  readonly call: (rest: string, type?: string) => Promise<Answered>;
};

/** Any bytes may be in a password, also those that end C strings and user names, and those that are no UTF-8. */
const PASSWORD = Buffer.from([0xff, 0x3a, 0x00, 0x80, 0x3a, 0x41]);

/** Long enough for a worker that is starved for a moment: it must answer a command in this time. */
const BUS_TIMEOUT_MS = 1_500;
/** Questions on connections of their own: one worker of two gets all of them once in 2^15 times. */
const ROUNDS = Array.from({ length: 16 }, (_none, round) => round);

const centralSystem: Handler = ({ url, headers }) => {
  const [, , kind, action] = url.split('/');
  if (kind === 'connect') return { status: url.endsWith('/STRANGER') ? 404 : url.endsWith('/CP-401') ? 401 : 204 };
  if (action === 'BootNotification') return { body: '{"status":"Accepted","currentTime":"2026-01-01T00:00:00Z","interval":300}' };
  if (action === 'Authorize')
    return {
      status: 403,
      body: JSON.stringify({ code: 'SecurityError', description: 'not yet', details: { by: headers['ws-subprotocol'] } }),
    };
  if (action === 'DataTransfer') return { status: 500, body: 'oops' };
  return { status: 204 };
};

async function scene(t: Pick<TestContext, 'after'>, env: Record<string, string> = {}): Promise<Scene> {
  const backend = await startBackend(t, centralSystem);
  const routes = await routesFile(t, `routes:\n  - { path: "/ocpp/:id", dialect: ocpp, backend: "${backend.url}" }\n`);
  const gateway = await startGateway(t, { ROUTES_FILE: routes.path, ...env });
  const enter: Scene['enter'] = async (t, own) => {
    const station = await enterStation(t, { endpoint: `${gateway.wsUrl}/ocpp`, protocols: ['ocpp1.6'], ...own });
    station.handle('Reset', ({ params }) => {
      if (params['type'] === 'Never') throw new Error('never');
      return { status: 'Accepted' };
    });
    return station;
  };
  const call: Scene['call'] = async (rest, type = 'Soft') => {
    const asked = await ask(`${gateway.controlUrl}/call/${rest}`, { method: 'POST', body: JSON.stringify({ type }) });
    return { status: asked.status, body: JSON.parse(asked.body) };
  };
  return { backend, enter, call };
}

const isTo = (method: string, path: string) => (call: Call) => call.method === method && call.url === `/ws/${path}`;
const accepted = { status: 200, body: { status: 'Accepted' } };

const { backend, enter, call } = await scene(wholeFile);

for (const protocol of ['ocpp1.6', 'ocpp2.0.1']) {
  suite(`a charge point by ocpp-rpc that speaks ${protocol}`, () => {
    test('connects: the backend hears its version, and its password byte for byte', async (t) => {
      const identity = `CP-${protocol}-connects`;
      await enter(t, { identity, protocols: ['ocpp9', protocol], password: PASSWORD });
      const { headers } = await backend.calls.first(isTo('POST', `connect/${identity}`));
      assert.equal(headers['ws-subprotocol'], protocol);
      const credentials = Buffer.from(String(headers.authorization).replace('Basic ', ''), 'base64');
      assert.deepEqual(credentials, Buffer.concat([Buffer.from(`${identity}:`), PASSWORD]));
    });

    test('calls: it gets the result, the error of the backend, or InternalError', async (t) => {
      const identity = `CP-${protocol}-calls`;
      const station = await enter(t, { identity, protocols: [protocol] });
      const boot = await station.call('BootNotification', { chargePointVendor: 'a', chargePointModel: 'b' });
      assert.deepEqual(boot, { status: 'Accepted', currentTime: '2026-01-01T00:00:00Z', interval: 300 });
      const heard = await backend.calls.first(({ url }) => url.startsWith(`/ws/call/BootNotification/${identity}/`));
      assert.deepEqual(JSON.parse(heard.text), { chargePointVendor: 'a', chargePointModel: 'b' });
      assert.deepEqual(await station.call('Heartbeat', {}), {}, 'no body is an empty result');
      await assert.rejects(station.call('Authorize', { idTag: 'x' }), {
        rpcErrorCode: 'SecurityError',
        message: 'not yet',
        details: { by: protocol },
      });
      await assert.rejects(station.call('DataTransfer', { vendorId: 'x' }), { rpcErrorCode: 'InternalError' });
    });

    test('is called: its answer comes as a call of its own, or to the one who waits, and to nobody twice', async (t) => {
      const identity = `CP-${protocol}-called`;
      await enter(t, { identity, protocols: [protocol] });
      assert.deepEqual(await call(`Reset/${identity}/m1`), { status: 202, body: { code: 'OK' } });
      const result = await backend.calls.first(isTo('POST', `result/Reset/${identity}/m1`));
      assert.deepEqual(JSON.parse(result.text), { status: 'Accepted' });
      assert.deepEqual(await call(`Reset/${identity}/m2?wait=5000`), accepted);

      const refused = await call(`Reset/${identity}/m3?wait=5000`, 'Never');
      assert.deepEqual([refused.status, (refused.body as { code: string }).code], [422, 'GenericError']);
      assert.equal((await call(`Reset/${identity}/m4`, 'Never')).status, 202);
      const error = await backend.calls.first(isTo('POST', `error/Reset/${identity}/m4`));
      assert.equal((JSON.parse(error.text) as { code: string }).code, 'GenericError');
      assert.equal((await call('Reset/NOBODY/m5')).status, 404);
      assert.deepEqual(answersOf(backend, identity), ['result m1', 'error m4'], 'who waited heard it already');
    });

    test('comes back with the same identity: the old connection is closed with 4409, the new one talks both ways', async (t) => {
      const identity = `CP-${protocol}-twin`;
      const old = await enter(t, { identity, protocols: [protocol] });
      const replaced = new Promise<{ code: number }>((resolve) => old.once('close', resolve));
      const young = await enter(t, { identity, protocols: [protocol] });
      assert.equal((await replaced).code, 4409);
      await backend.calls.first(isTo('DELETE', `connect/${identity}`));
      assert.equal((await young.call('BootNotification', {}))['status'], 'Accepted');
      assert.deepEqual(await call(`Reset/${identity}/m1?wait=5000`), accepted);

      await young.close({ code: 1000 });
      await backend.calls.atLeast(2, isTo('DELETE', `connect/${identity}`));
      const again = await enter(t, { identity, protocols: [protocol] });
      assert.equal((await again.call('BootNotification', {}))['status'], 'Accepted');
      assert.deepEqual(await call(`Reset/${identity}/m1?wait=5000`), accepted, 'a message id is free again once its call is over');
      assert.equal(backend.calls.all.filter(isTo('DELETE', `connect/${identity}`)).length, 2);
    });
  });
}

test('a charge point is refused if unknown, with wrong credentials, or without a version in common', async (t) => {
  await assert.rejects(enter(t, { identity: 'STRANGER' }), { code: 404 });
  await assert.rejects(enter(t, { identity: 'CP-401' }), { code: 401 });
  await assert.rejects(enter(t, { identity: 'CP-old', protocols: ['ocpp9'] }), { code: 400 });
  assert.ok(!backend.calls.all.some(isTo('POST', 'connect/CP-old')), 'the backend is not asked about versions');
});

test('with two workers a charge point is reached through either, also when it takes longer than the bus waits', async (t) => {
  const { backend, enter, call } = await scene(t, { WORKERS: '2', BUS_TIMEOUT_MS: String(BUS_TIMEOUT_MS) });
  const station = await enter(t, { identity: 'CP-1' });
  const other = await enter(t, { identity: 'CP-2', protocols: ['ocpp2.0.1'] });
  const around = (rest: (round: number) => string) => Promise.all(ROUNDS.map((round) => call(rest(round))));
  for (const answer of await around((round) => `Reset/CP-${1 + (round % 2)}/m${round}?wait=20000`)) assert.deepEqual(answer, accepted);

  const release = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const takesItsTime = async () => {
    asked.resolve();
    await release.promise;
    return { status: 'Late' };
  };
  station.handle('Slow', takesItsTime);
  other.handle('Slow', takesItsTime);
  const answers = around((round) => `Slow/CP-${1 + (round % 2)}/s${round}?wait=20000`);
  await asked.promise;
  setTimeout(release.resolve, BUS_TIMEOUT_MS * 1.3); // by then the bus would have given up, the asking worker too
  for (const answer of await answers) assert.deepEqual(answer, { status: 200, body: { status: 'Late' } });
  assert.equal((await call('Reset/NOBODY/m1?wait=5000')).status, 404);
  assert.deepEqual([...answersOf(backend, 'CP-1'), ...answersOf(backend, 'CP-2')], []);
});

test("a charge point's calls are answered with InternalError during an outage, at once or in their time, and work after it", async (t) => {
  const callTimeoutMs = 1_500;
  const { backend, enter } = await scene(t, { OCPP_CALL_TIMEOUT_MS: String(callTimeoutMs) });
  const station = await enter(t, { identity: 'CP-1' });
  await backend.kill();
  for (let calls = 0; calls < 7; calls += 1) {
    const calledAt = performance.now();
    await assert.rejects(station.call('Heartbeat', {}), { rpcErrorCode: 'InternalError' });
    const tookMs = performance.now() - calledAt;
    assert.ok(tookMs < callTimeoutMs + 1_000, `the answer took ${tookMs} ms`);
  }
  await backend.revive();
  for (let calls = 0; calls < 100; calls += 1) if (await station.call('Heartbeat', {}).catch(() => null)) return;
  assert.fail('100 calls after the outage were all refused');
});

/** Answers that the backend was told of, in their order. */
function answersOf({ calls }: Backend, identity: string): string[] {
  const found = calls.all.map(({ url }) => /^\/ws\/(result|error)\/\w+\/([^/]+)\/(\w+)$/.exec(url));
  return found.filter((match) => match?.[2] === identity).map((match) => `${match?.[1]} ${match?.[3]}`);
}

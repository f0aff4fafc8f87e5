import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { ask } from '../support/ask.ts';
import { lockedKey, startAuthority } from '../support/authority.ts';
import { startBackend } from '../support/backend.ts';
import { connect, tryConnect } from '../support/client.ts';
import { watch } from '../support/event-stream.ts';
import { startGateway, type GatewayProcess } from '../support/gateway.ts';
import { isEvent, ok } from '../support/guests.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { found, planted } from '../support/planted.ts';
import { routesFile } from '../support/routes-file.ts';
import { run } from '../support/run.ts';

const withLogin = (scheme: string, rest: string): string => `${scheme}://user:${planted(scheme)}@127.0.0.1:1${rest}`;

/** A signature of nothing, by a key of this name. */
const signed = (key: string): string =>
  `AWS4-HMAC-SHA256 Credential=${key}/20260101/eu-west-1/execute-api/aws4_request, SignedHeaders=host, Signature=${'0'.repeat(64)}`;

/** What a caller of the control API is told of everybody, and of whatever goes wrong. */
async function toldBy({ controlUrl, log }: GatewayProcess, more: readonly string[] = []): Promise<string> {
  const paths = ['/', '/metrics', '/status', '/tree', '/readyz', '/console/ends', '/console/failures', '/console/connections', ...more];
  const answers = await Promise.all(paths.map((path) => ask(controlUrl + path, { headers: { accept: 'application/json' } })));
  assert.ok(answers.some(({ body }) => body.includes('wsaas_connections')));
  return JSON.stringify([answers, log.all]);
}

suite('no secret is told', { concurrency: 4 }, () => {
  test('of an engine: a password or a token in CLUSTER_URL, or its credentials, while it is away', async (t) => {
    const backend = await startBackend(t);
    const engines: Record<string, string>[] = [
      { CLUSTER_URL: withLogin('redis', '') },
      { CLUSTER_URL: withLogin('rediss', '/3') },
      { CLUSTER_URL: withLogin('redis+sentinel', '/primary') },
      { CLUSTER_URL: withLogin('nats', '') },
      { CLUSTER_URL: `tls://${planted('nats-token')}@127.0.0.1:1` },
      { CLUSTER_URL: 'redis://127.0.0.1:1', CLUSTER_CREDENTIALS: `user:${planted('credentials')}` },
      { CLUSTER_URL: 'nats://127.0.0.1:1', CLUSTER_CREDENTIALS: planted('credentials') },
    ];
    for (const engine of engines) {
      const gateway = await startGateway(t, { API_URI: backend.url, LOG_LEVEL: 'TRACE', BUS_TIMEOUT_MS: '200', ...engine });
      await gateway.log.first(({ msg }) => msg === 'the cluster cannot be asked, local work goes on');
      assert.deepEqual(found(await toldBy(gateway)), [], engine['CLUSTER_URL']?.split('planted')[0]);
      gateway.process.kill('SIGKILL');
      const { code, out, errors } = await run({ API_URI: backend.url, ...engine }, ['--check-config']);
      assert.deepEqual([code, found(out + errors)], [0, []]);
    }
  });

  test('of a route: a broker’s password, keys and tokens of SigV4, keys in the URLs of targets, variables of handlers', async (t) => {
    const backend = await startBackend(t, () => ({ status: 500, body: 'broken' }));
    const own = `${backend.url}/?code=${planted('target')}`;
    const text = `routes:
  - { path: /redis, dialect: stream, backend: "${withLogin('redis', '/0?stream=x')}" }
  - { path: /amqp, dialect: stream, backend: "${withLogin('amqp', '/?exchange=x&routingKey=y')}" }
  - { path: /closed, backend: "http://127.0.0.1:1/?code=${planted('backend')}" }
  - path: /prod
    dialect: aws
    routes: { $default: { target: { type: webhook, url: "${own}" } }, $connect: { target: { type: webhook, url: "${own}" } } }
    stageVariables: { KEY: ${planted('stage-variable')} }
    sigv4: { mode: verify, keys: [{ accessKeyId: AKIDEXAMPLE, secretAccessKey: ${planted('sigv4')}, sessionToken: ${planted('session')} }] }
  - path: /bearer
    dialect: aws
    target: { type: lambda, url: "http://127.0.0.1:1", function: chat, region: eu-west-1 }
    sigv4: { mode: bearer, tokens: [${planted('sigv4-token')}] }
`;
    const { path } = await routesFile(t, text);
    const gateway = await startGateway(t, {
      ROUTES_FILE: path,
      LOG_LEVEL: 'TRACE',
      OPEN_TIMEOUT_MS: '500',
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: planted('aws'),
      AWS_SESSION_TOKEN: planted('aws-session'),
    });
    const told: unknown[] = [];
    for (const client of ['redis', 'amqp', 'closed', 'prod', 'bearer']) {
      const refused = await tryConnect(t, `${gateway.wsUrl}/${client}`);
      assert.ok('status' in refused && refused.status >= 500, `${client}: nobody could be asked`);
      told.push(refused);
    }
    for (const [stage, authorization] of [
      ['prod', signed('AKIDEXAMPLE')],
      ['prod', signed(planted('stranger'))],
      ['bearer', `Bearer ${planted('stranger')}`],
    ] as const) {
      const answer = await ask(`${gateway.controlUrl}/${stage}/@connections/nobody`, {
        method: 'POST',
        body: 'x',
        headers: { authorization },
      });
      assert.ok(answer.status === 403 || answer.status === 401, `${answer.status} ${answer.body}`);
      told.push(answer);
    }
    assert.deepEqual(found(JSON.stringify(told) + (await toldBy(gateway))), []);
    const { code, out, errors } = await run({ ROUTES_FILE: path }, ['--check-config']);
    assert.deepEqual([code, found(out + errors)], [0, []]);
    for (const [right, wrong] of [
      ['127.0.0.1:1/0?', '127.0.0.1:99999/0?'],
      ['?stream=x', '?strem=x'],
      ['mode: verify', 'mode: verfy'],
      ['mode: bearer', 'mode: off'],
      ['url: "http://127.0.0.1:1"', `url: "http://user:${planted('lambda')}@127.0.0.1:1"`],
      ['"http://127.0.0.1:1/?code=', '"ftp://127.0.0.1:1/?code='],
      ['sessionToken', 'sesionToken'],
    ] as const) {
      const bad = await routesFile(t, text.replace(right, wrong));
      const started = await run({ ROUTES_FILE: bad.path }, ['--check-config']);
      assert.notEqual(started.code, 0, wrong);
      assert.deepEqual(found(started.out + started.errors), [], wrong);
    }
  });

  test('of an option that is a URL, or of a key with a passphrase, in what --check-config prints and complains of', async (t) => {
    const ca = await startAuthority(t);
    const locked = join(ca.folder, 'locked.key');
    await writeFile(locked, lockedKey(ca.key, planted('passphrase')));
    const noKey = join(ca.folder, 'no.key');
    await writeFile(noKey, `-----BEGIN PRIVATE KEY-----\n${Buffer.from(planted('key')).toString('base64')}\n-----END PRIVATE KEY-----\n`);
    const sound = {
      API_URI: `http://localhost/?code=${planted('api')}`,
      JWT_JWKS_URI: `https://login.example.com/keys?code=${planted('jwks')}`,
    };
    const whole = await run(sound, ['--check-config']);
    assert.deepEqual([whole.code, found(whole.out + whole.errors)], [0, []]);
    assert.match(whole.out, /^JWT_JWKS_URI=https:\/\/login\.example\.com\/keys\?code=\*\*\*$/m);
    for (const wrong of [
      { API_URI: `http://user:${planted('api')}@localhost/` },
      { API_URI: `htp://user:${planted('api')}@localhost/` },
      { JWT_JWKS_URI: `https://user:${planted('jwks')}@login.example.com/keys` },
      { JWT_JWKS_URI: `login.example.com/keys?code=${planted('jwks')}` },
      { WS_HOSTNAME: `https://gateway/?code=${planted('hostname')}` },
      { TLS_CERT_FILE: ca.certFile, TLS_KEY_FILE: locked },
      { TLS_CERT_FILE: ca.certFile, TLS_KEY_FILE: noKey },
      { TLS_CERT_FILE: ca.keyFile, TLS_KEY_FILE: ca.certFile },
    ]) {
      const { code, out, errors } = await run({ ...sound, ...wrong }, ['--check-config']);
      assert.notEqual(code, 0, Object.keys(wrong).join());
      assert.deepEqual(found(out + errors, ca.key.split('\n').slice(1, 2)), [], Object.keys(wrong).join());
    }
  });

  test('of a client: tokens in the path’s query, cookies, headers and subprotocols, in traces, the console, status and logs', async (t: TestContext) => {
    const receiver = await startOtlpReceiver(t);
    const backend = await startBackend(t, ({ headers, text }) =>
      headers['ws-event'] === 'open' && text.includes('/refused')
        ? { status: 403 }
        : text === 'bad'
          ? { status: 503 }
          : ok({ subprotocol: 'v1.chat' }),
    );
    const gateway = await startGateway(t, {
      API_URI: `${backend.url}?code=${planted('api')}`,
      LOG_LEVEL: 'TRACE',
      BACKEND_RETRY_FOR_MS: '300',
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_HEADERS: `x-api-key=${planted('otlp-headers')}`,
      OTEL_BSP_SCHEDULE_DELAY: '100',
    });
    const stream = await watch(t, `${gateway.controlUrl}/console/events?figures=true`);
    const credentials = {
      subprotocols: ['v1.chat', `bearer.${planted('subprotocol')}`],
      headers: {
        authorization: `Bearer ${planted('authorization')}`,
        cookie: `access_token=${planted('cookie')}`,
        'x-api-key': planted('header'),
      },
    };
    await stream.told.first(({ event }) => event === 'figures');
    const query = `access_token=${planted('query')}&token=${planted('token')}`;
    const client = await connect(t, `${gateway.wsUrl}/chat?${query}`, credentials);
    const { headers } = await backend.calls.first(isEvent('open'));
    assert.ok(String(headers['authorization']).includes('planted-authorization'), 'the backend is told');
    const refused = await tryConnect(t, `${gateway.wsUrl}/refused?${query}`, credentials);
    assert.ok('status' in refused && refused.status === 403);
    client.ws.send('bad');
    assert.equal((await client.ended).code, 1011);
    await stream.told.first(({ data }) => JSON.stringify(data).includes('"closed"'));
    await receiver.spans.first(({ name }) => name.includes('close'));
    const described = await toldBy(gateway, [`/${String(headers['ws-connection'])}`, `/console/events?id=${planted('asked')}&x=1`]);
    assert.ok(stream.told.all.some(({ data }) => JSON.stringify(data).includes('"refused"')) && receiver.spans.all.length >= 4);
    const told = described.replaceAll(planted('asked'), '');
    assert.deepEqual(found(JSON.stringify([refused, told, stream.told.all, receiver.spans.all, client.headers])), []);
    assert.deepEqual(found(Buffer.concat(receiver.requests.all).toString('latin1')), []);
  });
});

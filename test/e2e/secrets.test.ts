import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { options } from '../../src/config/options.ts';
import { ConfigError, loadConfig } from '../../src/config/load.ts';
import { startApp } from '../support/app.ts';
import { ask, type Asked } from '../support/ask.ts';
import { startAuthority } from '../support/authority.ts';
import { startBackend } from '../support/backend.ts';
import { connect, refusal } from '../support/client.ts';
import { isEvent } from '../support/guests.ts';
import { issuerKey, startIssuer, tokenBy } from '../support/issuer.ts';
import { found as foundIn, planted } from '../support/planted.ts';
import { openRaw } from '../support/raw-socket.ts';
import { routesFile } from '../support/routes-file.ts';
import { run } from '../support/run.ts';

const webhookSecret = `whsec_${Buffer.from(planted('webhook')).toString('base64')}`;

const SECRETS: Readonly<Record<string, string>> = {
  BACKEND_HEADERS: JSON.stringify({ 'x-key': planted('backend-headers') }),
  CONTROL_TOKEN: planted('control-token'),
  CONTROL_PUSH_TOKEN: planted('control-push-token'),
  CONTROL_READ_TOKEN: planted('control-read-token'),
  CLUSTER_URL: `redis://user:${planted('cluster-url')}@127.0.0.1:1`,
  CLUSTER_CREDENTIALS: `user:${planted('cluster-credentials')}`,
  WEBHOOK_SECRETS: webhookSecret,
};

/** Every planted word in these, the webhook secret's bytes too. */
const found = (text: string, more: readonly string[] = []): string[] => foundIn(text, [webhookSecret.slice(6, 30), ...more]);

test('every secret option is planted here', () => {
  const secret = Object.entries(options).flatMap(([name, schema]) => ('isSecret' in schema && schema.isSecret ? [name] : []));
  assert.deepEqual(Object.keys(SECRETS).toSorted(), secret.toSorted());
});

test('--check-config prints no secret, wherever it came from, nor do mistakes of the start', async (t) => {
  const ca = await startAuthority(t);
  const files: Record<string, string> = {};
  for (const [name, value] of Object.entries(SECRETS)) {
    files[`${name}_FILE`] = join(ca.folder, name);
    await writeFile(join(ca.folder, name), value);
  }
  const tls = { TLS_CERT_FILE: ca.certFile, TLS_KEY_FILE: ca.keyFile };
  const common = { API_URI: `http://localhost/?code=${planted('api-uri')}`, ...tls };
  for (const env of [SECRETS, files]) {
    const { code, out, errors } = await run({ ...common, ...env }, ['--check-config']);
    assert.equal(code, 0, errors);
    assert.deepEqual(found(out + errors, ca.key.split('\n').slice(1, 2)), []);
    assert.match(out, /^WEBHOOK_SECRETS=\*\*\*$/m);
  }
  for (const name of Object.keys(SECRETS))
    for (const bad of [`,"${planted(name)}\n{`, `${planted(name)}\u0000€`, `redis:/${planted(name)}@`])
      try {
        loadConfig({ ...common, ...SECRETS, [name]: bad, PORT: 'no' });
        assert.fail('PORT is a mistake');
      } catch (error) {
        assert.ok(error instanceof ConfigError);
        assert.deepEqual(found(error.message), [], name);
      }
});

test('no secret and no credential of a client is in a log, a metric, a header or an answer, whatever goes wrong', async (t) => {
  const ca = await startAuthority(t);
  const own = await ca.issue('gateway');
  const [key, backend] = [await issuerKey('one'), await startBackend(t)];
  const issuer = await startIssuer(t, [key.jwk]);
  const tokenFile = join(ca.folder, 'token');
  await writeFile(tokenFile, SECRETS['CONTROL_TOKEN'] ?? '');
  const { CONTROL_TOKEN: _byFile, ...env } = SECRETS;
  const { path } = await routesFile(
    t,
    `routes:
  - { path: "/chat", backend: "${backend.url}?code=${planted('route-url')}", backendHeaders: { x-key: "${planted('route-headers')}" }, jwtJwksUri: "${issuer.jwksUri}" }
  - { path: "/*", backend: "${backend.url}?code=${planted('route-url')}" }
`,
  );
  const gateway = await startApp(t, {
    ...env,
    ROUTES_FILE: path,
    CONTROL_TOKEN_FILE: tokenFile,
    TLS_CERT_FILE: own.certFile,
    TLS_KEY_FILE: own.keyFile,
    LOG_LEVEL: 'TRACE',
    BACKEND_RETRY_FOR_MS: '300',
    BUS_TIMEOUT_MS: '200',
  });
  const answers: Asked[] = [];
  const asking = async (method: string, path: string, authorization: string | null) => {
    const headers: Record<string, string> = authorization === null ? {} : { authorization };
    const answer = await ask(gateway.controlUrl + path, { method, tls: { ca: ca.cert }, headers });
    answers.push(answer);
    return answer;
  };

  const cookie = `session=${planted('cookie')}`;
  const token = await tokenBy(key, { sub: planted('claim') });
  const client = await connect(t, `${gateway.wsUrl}/free`, {
    ca: ca.cert,
    headers: { authorization: `Bearer ${planted('client')}`, cookie },
  });
  const chat = await connect(t, `${gateway.wsUrl}/chat?access_token=${token}`, { ca: ca.cert });
  const wrong = await refusal(t, `${gateway.wsUrl}/chat?access_token=${planted('query')}`, { ca: ca.cert, headers: { cookie } });
  const late = await refusal(t, `${gateway.wsUrl}/chat`, { ca: ca.cert, headers: { authorization: `Bearer ${planted('bad')}.a.b` } });
  const [open] = await backend.calls.atLeast(2, isEvent('open'));
  assert.equal(open?.headers['x-key'], planted('backend-headers'), 'it is in use');
  const id = String(open?.headers['ws-connection']);
  for (const scope of [
    null,
    planted('nobody'),
    SECRETS['CONTROL_READ_TOKEN'] ?? '',
    SECRETS['CONTROL_PUSH_TOKEN'] ?? '',
    SECRETS['CONTROL_TOKEN'] ?? '',
  ])
    for (const [method, path] of [
      ['GET', '/metrics'],
      ['GET', '/status'],
      ['GET', '/tree'],
      ['GET', '/'],
      ['GET', '/readyz'],
      ['GET', `/${id}`],
      ['PUT', `/${id}`],
      ['PUT', '/nobody'],
      ['POST', '/send?all=true'],
      ['PATCH', '/status'],
    ] as const)
      await asking(method, path, scope === null ? null : `Bearer ${scope}`);
  await asking('GET', '/status', `Basic ${Buffer.from(`a:${planted('basic')}`).toString('base64')}`);
  await asking('GET', '/%', `Bearer ${SECRETS['CONTROL_TOKEN']}`);
  await writeFile(tokenFile, `,,,`);
  await gateway.log.first(({ problem }) => String(problem).startsWith('CONTROL_TOKEN: must'));
  await backend.kill();
  client.ws.send('lost');
  chat.ws.send('lost');
  assert.deepEqual([(await client.ended).code, (await chat.ended).code], [1011, 1011]);

  const metrics = answers.filter(({ status, body }) => status === 200 && body.includes('wsaas_'));
  assert.ok(metrics.length >= 2 && answers.some(({ status }) => status === 403), 'the answers that were meant came');
  const told = JSON.stringify([answers, wrong, late, gateway.log.all, client.headers, client.frames.all]);
  assert.ok(gateway.log.all.length > 5 && told.length > 20_000);
  const keyLine = own.key.split('\n').slice(1, 2);
  assert.deepEqual(found(told, [token.slice(-40), ...keyLine]), []);
});

test('what cannot be read as a request is answered and logged without the credentials in it', async (t: TestContext) => {
  const backend = await startBackend(t);
  const gateway = await startApp(t, { API_URI: backend.url, CONTROL_TOKEN: planted('control-token'), LOG_LEVEL: 'TRACE' });
  const auth = `Authorization: Bearer ${planted('control-token')}\r\n`;
  for (const bytes of [
    `GET /status HTTP/1.1\r\nHost: a\r\n${auth}Broken\r\n\r\n`,
    `GET /status HTTP/1.1\r\n${auth}\r\n`,
    `PUT /x HTTP/1.1\r\nHost: a\r\n${auth}Content-Length: 5, 6\r\n\r\nhello`,
    `GET /x?access_token=${planted('query')} HTTP/3.7\r\nHost: a\r\n\r\n`,
    `BREW /x?access_token=${planted('query')} HTTP/1.1\r\nHost: a\r\n${auth}\r\n`,
    `GET /x?access_token=${planted('query')}#x HTTP/1.1\r\nHost: a\r\n${auth}\r\n`,
  ]) {
    const raw = await openRaw(t, gateway.publicUrl);
    raw.write(bytes);
    const { status, body } = await raw.answer;
    assert.ok(status >= 400);
    assert.deepEqual(found(body), []);
  }
  assert.deepEqual(found(JSON.stringify(gateway.log.all)), []);
});

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { eventOf, startAws, type AwsEvent } from '../support/aws-scene.ts';
import { ACCESS_KEY_ID, SDKS, SECRET } from '../support/aws-sdks.ts';
import { connect } from '../support/client.ts';
import { routesFile } from '../support/routes-file.ts';
import { startApp } from '../support/app.ts';

type Asked = { readonly status: number; readonly text: string; readonly error: string | null; readonly headers: Headers };

/** A call as any HTTP client makes it. */
async function ask(url: string, method = 'POST', init: Omit<RequestInit, 'method'> = {}): Promise<Asked> {
  const response = await fetch(url, { method, ...init });
  const { status, headers } = response;
  assert.match(headers.get('x-amzn-requestid') ?? '', /^[\w-]{36}$/, `${method} ${url} has no request id`);
  return { status, headers, text: await response.text(), error: headers.get('x-amzn-errortype') };
}

const mockRoute = (path: string, more: string): string => `  - { path: ${path}, dialect: aws, target: { type: mock }, ${more} }\n`;

suite('@connections of dialect aws', { concurrency: 4 }, () => {
  test('is there with and without the stage, encoded, with doubled slashes, for any type of body', async (t) => {
    const { gateway, enter } = await startAws(t);
    const client = await enter();
    const id = encodeURIComponent(client.id);
    const spelt = [
      '/prod/@connections',
      '/@connections',
      '/prod//@connections',
      '//@connections',
      '/%40connections',
      '/prod/%40connections',
      '/prod//%40connections',
    ];
    for (const base of spelt) {
      const { status, text } = await ask(`${gateway.publicUrl}${base}/${id}`, 'POST', { body: base });
      assert.deepEqual([status, text], [200, ''], base);
    }
    for (const type of ['application/json', 'binary/octet-stream', 'text/plain', 'nonsense', ''])
      assert.equal(
        (await ask(`${gateway.publicUrl}/@connections/${id}`, 'POST', { body: 'x', headers: { 'content-type': type } })).status,
        200,
        type,
      );
    assert.equal((await ask(`${gateway.publicUrl}/@connections/${client.id}`, 'POST', { body: 'plain id' })).status, 200);
    assert.equal((await ask(`${gateway.publicUrl}/@connections/${id}`)).status, 200, 'nothing is an empty text');
    const frames = await client.frames.atLeast(spelt.length + 7);
    assert.deepEqual(
      frames.slice(0, spelt.length).map(({ text }) => text),
      spelt,
    );
    assert.deepEqual([frames.at(-1)?.text, frames.at(-1)?.isBinary], ['', false]);
  });

  test('sends UTF-8 as text and other bytes as binary, unless the frame is named; strict makes text of all', async (t) => {
    const { gateway, enter } = await startAws(t);
    const client = await enter();
    const url = `${gateway.publicUrl}/prod/@connections/${encodeURIComponent(client.id)}`;
    const bytes = Buffer.from([0, 255]);
    await ask(url, 'POST', { body: 'ünï' });
    await ask(url, 'POST', { body: bytes });
    await ask(`${url}?frame=binary`, 'POST', { body: 'text' });
    await ask(`${url}?frame=text`, 'POST', { body: 'text' });
    const frames = await client.frames.atLeast(4);
    assert.deepEqual(
      frames.map(({ isBinary }) => isBinary),
      [false, true, true, false],
    );
    assert.deepEqual(frames[1]?.data, bytes);
    for (const wrong of [`${url}?frame=odd`, `${url}?frames=text`]) {
      const { status, error } = await ask(wrong, 'POST', { body: 'x' });
      assert.deepEqual([status, error], [400, 'BadRequestException']);
    }
    assert.equal((await ask(`${url}?frame=text`, 'POST', { body: bytes })).status, 400);
    const strict = await startAws(t, { route: { strict: true } });
    const other = await strict.enter();
    await ask(`${strict.gateway.publicUrl}/@connections/${encodeURIComponent(other.id)}`, 'POST', { body: bytes });
    assert.deepEqual(await other.frames.first(() => true).then(({ text, isBinary }) => [text, isBinary]), ['\0\uFFFD', false]);
  });

  test('GET tells in camelCase and RFC 3339, with the time that the events tell', async (t) => {
    const { gateway, enter, event } = await startAws(t);
    const client = await enter();
    const { status, text, headers } = await ask(`${gateway.publicUrl}/prod/@connections/${encodeURIComponent(client.id)}`, 'GET');
    assert.deepEqual([status, headers.get('content-type')], [200, 'application/json; charset=utf-8']);
    const told = JSON.parse(text) as { connectedAt: string; lastActiveAt: string; identity: object };
    assert.deepEqual(Object.keys(told).toSorted(), ['connectedAt', 'identity', 'lastActiveAt']);
    assert.deepEqual(told.identity, { sourceIp: '127.0.0.1', userAgent: null });
    assert.match(told.lastActiveAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.equal(Date.parse(told.connectedAt), (await event('CONNECT')).requestContext['connectedAt']);
  });

  test('DELETE closes with 1000, or with a code and a reason, and $disconnect tells them', async (t) => {
    const { gateway, enter, event } = await startAws(t);
    const url = ({ id }: { id: string }) => `${gateway.publicUrl}/prod/@connections/${encodeURIComponent(id)}`;
    const [plain, coded] = await Promise.all([enter(), enter()]);
    assert.equal((await ask(url(plain), 'DELETE')).status, 204);
    assert.deepEqual(await plain.ended, { code: 1000, reason: 'Connection Closed Normally' });
    const told = (await event('DISCONNECT', plain.id)).requestContext;
    assert.deepEqual([told.disconnectStatusCode, told.disconnectReason], [1000, 'Connection Closed Normally']);
    for (const wrong of ['code=1006', 'code=abc', 'code=5000', `code=4001&reason=${'x'.repeat(124)}`, 'why=x']) {
      const { status, error } = await ask(`${url(coded)}?${wrong}`, 'DELETE');
      assert.deepEqual([status, error], [400, 'BadRequestException'], wrong);
    }
    assert.equal((await ask(`${url(coded)}?code=4001&reason=see%20you`, 'DELETE')).status, 204);
    assert.deepEqual(await coded.ended, { code: 4001, reason: 'see you' });
    assert.equal((await event('DISCONNECT', coded.id)).requestContext.disconnectReason, 'see you');
  });

  test('what is wrong has AWS’s name in a header and JSON in the body', async (t) => {
    const { gateway, enter } = await startAws(t, { route: { maxMessageBytes: 1_000 } });
    const { publicUrl } = gateway;
    const client = await enter();
    const id = encodeURIComponent(client.id);
    const gone = encodeURIComponent('AAAAAAAAAAAAAAA=');
    const TABLE = [
      ['POST', `/prod/@connections/${gone}`, 410, 'GoneException'],
      ['GET', `/prod/@connections/${gone}`, 410, 'GoneException'],
      ['DELETE', `/@connections/${gone}`, 410, 'GoneException'],
      ['POST', '/@connections/not%20an%20id', 400, 'BadRequestException'],
      ['PUT', `/prod/@connections/${id}`, 403, 'ForbiddenException'],
      ['POST', `/other/@connections/${id}`, 403, 'ForbiddenException'],
      ['GET', '/prod/@connections/', 403, 'ForbiddenException'],
      ['GET', `/prod/@connections/${id}/more`, 403, 'ForbiddenException'],
    ] as const;
    for (const [method, path, status, error] of TABLE) {
      const asked = await ask(`${publicUrl}${path}`, method, method === 'POST' ? { body: 'x' } : {});
      assert.deepEqual([asked.status, asked.error], [status, error], `${method} ${path}`);
      assert.deepEqual(Object.keys(JSON.parse(asked.text) as object), ['message']);
    }
    for (const bytes of [1_001, 400_000]) {
      const long = await ask(`${publicUrl}/prod/@connections/${id}`, 'POST', { body: 'x'.repeat(bytes) });
      assert.deepEqual([long.status, long.error], [413, 'PayloadTooLargeException'], String(bytes));
    }
    assert.equal(client.frames.all.length, 0);
    client.ws.close();
    await client.ended;
    const late = await ask(`${publicUrl}/prod/@connections/${id}`, 'POST', { body: 'x' });
    assert.deepEqual([late.status, late.error], [410, 'GoneException']);
  });

  test('429 says that the client reads too slowly, and nothing was sent', async (t) => {
    const { gateway, enter } = await startAws(t, { route: { sendBufferBytes: 65_536 } });
    const client = await enter();
    client.ws.pause();
    const url = `${gateway.publicUrl}/prod/@connections/${encodeURIComponent(client.id)}`;
    let asked: Asked;
    do asked = await ask(url, 'POST', { body: 'x'.repeat(60_000) });
    while (asked.status === 200);
    assert.deepEqual([asked.status, asked.error, asked.headers.get('retry-after')], [429, 'LimitExceededException', '1']);
  });

  test('a push while $connect runs is kept and goes out after the upgrade; strict answers 410', async (t) => {
    for (const strict of [false, true]) {
      const statuses: number[] = [];
      const handler = async ({ requestContext: { eventType, connectionId, domainName, stage } }: AwsEvent) => {
        if (eventType !== 'CONNECT') return { statusCode: 200 };
        const url = `http://${domainName}/${stage}/@connections/${encodeURIComponent(connectionId)}`;
        for (const body of ['first', 'second']) statuses.push((await ask(url, 'POST', { body })).status);
        return { statusCode: 200 };
      };
      const { gateway } = await startAws(t, { handler, route: { strict } });
      const client = await connect(t, `${gateway.wsUrl}/prod`);
      assert.deepEqual(statuses, strict ? [410, 410] : [202, 202]);
      if (!strict)
        assert.deepEqual(
          (await client.frames.atLeast(2)).map(({ text }) => text),
          ['first', 'second'],
        );
    }
  });

  test('bearer tokens are asked for where the route says so, and only there', async (t) => {
    const token = 'a token that is long enough'.replaceAll(' ', '-');
    const { path } = await routesFile(
      t,
      `routes:\n${mockRoute('/a', `sigv4: { mode: bearer, tokens: [${token}] }`)}${mockRoute('/b', 'apiId: b')}`,
    );
    const gateway = await startApp(t, { ROUTES_FILE: path });
    const authorized = { headers: { authorization: `Bearer ${token}` } };
    const gone = '/@connections/AAAAAAAAAAAAAAA%3D';
    const statusOf = async (stage: string, init: RequestInit = {}) => {
      const { status, error } = await ask(`${gateway.publicUrl}${stage}${gone}`, 'GET', init);
      return [status, error];
    };
    assert.deepEqual(await statusOf('/a'), [403, 'MissingAuthenticationTokenException']);
    assert.deepEqual(await statusOf('/a', { headers: { authorization: 'Bearer wrong' } }), [403, 'UnrecognizedClientException']);
    assert.deepEqual(await statusOf('/a', authorized), [410, 'GoneException']);
    assert.deepEqual(await statusOf('/b'), [410, 'GoneException']);
    assert.deepEqual(await statusOf(''), [410, 'GoneException'], 'without a stage the open API may be meant');
  });

  test('who may command one API commands no connection of another, whatever the path says', async (t) => {
    const tokens = { a: 'token-of-a-1234567890', b: 'token-of-b-1234567890' };
    const { backend } = await startAws(t);
    const route = (name: 'a' | 'b') => ({
      path: `/${name}`,
      dialect: 'aws',
      target: { type: 'webhook', url: backend.url, answer: 'envelope' },
      sigv4: { mode: 'bearer', tokens: [tokens[name]] },
    });
    const { path } = await routesFile(t, JSON.stringify({ routes: [route('a'), route('b')] }));
    const gateway = await startApp(t, { ROUTES_FILE: path });
    const client = await connect(t, `${gateway.wsUrl}/a`);
    const { connectionId } = eventOf(await backend.calls.first(() => true)).requestContext;
    const statusOf = async (stage: string, name: 'a' | 'b') =>
      (
        await ask(`${gateway.publicUrl}${stage}/@connections/${encodeURIComponent(connectionId)}`, 'POST', {
          body: name,
          headers: { authorization: `Bearer ${tokens[name]}` },
        })
      ).status;
    assert.equal(await statusOf('/a', 'a'), 200);
    assert.equal(await statusOf('', 'a'), 200);
    assert.equal(await statusOf('/a', 'b'), 403);
    assert.equal(await statusOf('/b', 'b'), 410);
    assert.equal(await statusOf('', 'b'), 410);
    assert.deepEqual(
      (await client.frames.atLeast(2)).map(({ text }) => text),
      ['a', 'a'],
    );
  });

  test('until the control API is opened it is closed, as short ids are no secrets; so is the native way', async (t) => {
    const { gateway, enter } = await startAws(t, { env: { CONTROL_ALLOW: '' } });
    const client = await enter();
    const id = encodeURIComponent(client.id);
    const { status, error, text } = await ask(`${gateway.publicUrl}/prod/@connections/${id}`, 'POST', { body: 'x' });
    assert.deepEqual([status, error], [403, 'ForbiddenException']);
    assert.match(text, /CONTROL_ALLOW.*CONTROL_TOKEN.*CONTROL_PORT/);
    assert.equal((await fetch(`${gateway.publicUrl}/${id}`, { method: 'PUT', body: 'x' })).status, 403);
  });

  test('with CONTROL_TOKEN the token is asked for where no signature is; a signature needs none', async (t) => {
    const keys = [{ accessKeyId: ACCESS_KEY_ID, secretAccessKey: SECRET }];
    const open = await startAws(t, { env: { CONTROL_TOKEN: 'sesame' } });
    const id = encodeURIComponent((await open.enter()).id);
    const url = `${open.gateway.publicUrl}/prod/@connections/${id}`;
    const { status, error } = await ask(url, 'POST', { body: 'x' });
    assert.deepEqual([status, error], [403, 'MissingAuthenticationTokenException']);
    assert.equal((await ask(url, 'POST', { body: 'x', headers: { authorization: 'Bearer sesame' } })).status, 200);
    const signed = await startAws(t, { env: { CONTROL_TOKEN: 'sesame' }, route: { sigv4: { mode: 'verify', keys } } });
    const client = await signed.enter();
    const [sdk] = SDKS;
    assert.equal((await sdk?.client(t, { endpoint: signed.gateway.publicUrl }).post(client.id, 'x'))?.status, 200);
    const token = { authorization: 'Bearer sesame' };
    const byToken = await ask(`${signed.gateway.publicUrl}/@connections/${encodeURIComponent(client.id)}`, 'POST', {
      body: 'x',
      headers: token,
    });
    assert.deepEqual([byToken.status, byToken.error], [403, 'IncompleteSignatureException']);
  });

  test('the native API commands the same connections: push, tags, selections', async (t) => {
    const { gateway, enter } = await startAws(t);
    const client = await enter();
    const id = encodeURIComponent(client.id);
    assert.equal((await fetch(`${gateway.publicUrl}/${id}`, { method: 'PUT', body: 'native' })).status, 200);
    assert.equal(await (await fetch(`${gateway.publicUrl}/settags?id=${id}`, { method: 'POST', body: 'room=1' })).text(), '1');
    assert.equal(await (await fetch(`${gateway.publicUrl}/send?room=1`, { method: 'POST', body: 'to all' })).text(), '1');
    assert.deepEqual(
      (await client.frames.atLeast(2)).map(({ text }) => text),
      ['native', 'to all'],
    );
  });

  test('a page of another site may not call it', async (t) => {
    const { gateway } = await startAws(t);
    const { status, error } = await ask(`${gateway.publicUrl}/@connections/AAAAAAAAAAAAAAA%3D`, 'POST', {
      headers: { origin: 'https://evil.example.com' },
      body: 'x',
    });
    assert.deepEqual([status, error], [403, 'ForbiddenException']);
  });
});

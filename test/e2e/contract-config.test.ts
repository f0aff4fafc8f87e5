import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { run } from '../support/run.ts';

const API_URI = 'http://127.0.0.1:9/ws';

suite('configuration', { concurrency: 2 }, () => {
  test('every problem is listed at once: variable, what was wanted, what came; exit code 78', async () => {
    const bad: Record<string, string> = {
      API_URI: 'http://user:pass@host/',
      WS_TIMEOUT: 'soon',
      LOG_LEVEL: 'LOUD',
      PORT: '70000',
      CONTROL_PORT: '-1',
      CONTROL_ALLOW: '10.0.0.0/33',
      TRUST_PROXY: 'proxy.local',
      MAX_MESSAGE_BYTES: '0',
      REFUSE_WITH: 'silence',
      BACKEND_HEADERS: '["x"]',
      ORIGINS: 'https://ok.test,not an origin',
      FORWARD_HEADERS: 'co okie',
      OPEN_TIMEOUT_MS: '1.5',
      BACKEND_CONNECTIONS: 'many',
      DRAIN_MS: '-5',
      HANDSHAKE_TIMEOUT_MS: '99999999999',
    };
    const { code, out, errors } = await run(bad);
    assert.equal(code, 78);
    assert.equal(out, '');
    for (const [name, value] of Object.entries(bad)) {
      const line = errors.split('\n').filter((text) => text.trim().startsWith(`${name}:`));
      assert.equal(line.length, 1, `${name} in:\n${errors}`);
      const came = name === 'API_URI' ? 'http://***@host/' : value;
      if (name !== 'BACKEND_HEADERS') assert.ok(line[0]?.includes(JSON.stringify(came)), line[0]);
    }
    assert.match(errors, /^16 problems/);
  });

  test('without API_URI it does not start, and says what to do', async () => {
    const { code, errors } = await run({});
    assert.equal(code, 78);
    assert.match(errors, /API_URI.*http/);
  });

  test('values that only look right are refused too, by --check-config as well', async () => {
    const bad: Record<string, string> = {
      API_URI: 'ftp://host/',
      WS_TIMEOUT: '-1',
      CONTROL_TOKEN: ' , ', // an open door where one was to be locked
      MAX_CONNECTIONS: '1e3x',
      INBOX_MESSAGES: 'Infinity',
      BACKEND_HEADERS: '{"authorization":"x"}',
      WS_HOSTNAME: 'http://host/?a=b',
    };
    const { code, out, errors } = await run(bad, ['--check-config']);
    assert.deepEqual([code, out], [78, '']);
    for (const name of Object.keys(bad)) assert.match(errors, new RegExp(`^ *${name}: `, 'm'));
  });

  test('a name that nearly matches one of ours is warned about, others are not', async () => {
    const { code, errors } = await run({ API_URI, WS_TIMOUT: '5', MAX_MESAGE_BYTES: '7', HOME: '/', PORTS: '1' }, ['--check-config']);
    assert.equal(code, 0);
    assert.match(errors, /WS_TIMOUT.*WS_TIMEOUT/);
    assert.match(errors, /MAX_MESAGE_BYTES.*MAX_MESSAGE_BYTES/);
    assert.doesNotMatch(errors, /HOME/);
  });

  test('the warning is in the log of a start, too', async (t) => {
    const gateway = await startGateway(t, { API_URI, WS_TIMOUT: '5', CONTROL_ALLOW: '' });
    assert.match(String(gateway.log.all.find(({ msg }) => msg === 'wsaas serves')?.['control']), /CONTROL_ALLOW/);
    await gateway.log.first(({ level, msg }) => level === 40 && msg.includes('WS_TIMOUT'));
  });

  test('--check-config prints the effective configuration, masks secrets and starts nothing', async () => {
    const { code, out, errors } = await run(
      { API_URI, CONTROL_TOKEN: 'hush-1,hush-2', BACKEND_HEADERS: '{"x-api-key":"hush-3"}', WS_TIMEOUT: '1234' },
      ['--check-config'],
    );
    assert.equal(code, 0, errors);
    assert.doesNotMatch(out + errors, /hush/);
    for (const line of ['WS_TIMEOUT=1234', 'LOG_LEVEL=INFO', 'PORT=8080', 'MAX_MESSAGE_BYTES=262144'])
      assert.ok(out.split('\n').includes(line), line);
    assert.match(out, /^CONTROL_TOKEN=\*+$/m);
    assert.match(out, /^BACKEND_HEADERS=\*+$/m);
    assert.match(out, /^API_URI=http:\/\/127\.0\.0\.1:9\/ws$/m);
  });

  test('a secret that is wrong is not shown', async () => {
    const { code, errors } = await run({ API_URI, BACKEND_HEADERS: '{"x-key":"hush' });
    assert.equal(code, 78);
    assert.match(errors, /BACKEND_HEADERS/);
    assert.doesNotMatch(errors, /hush/);
  });

  test('LOG_LEVEL is read in any case', async () => {
    for (const level of ['debug', 'eRRoR']) {
      const { code, errors } = await run({ API_URI, LOG_LEVEL: level }, ['--check-config']);
      assert.equal(code, 0, errors);
    }
  });

  test('.env of the working directory is read, and the environment wins', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'wsaas-env-'));
    t.after(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, '.env'), `API_URI=${API_URI}\nWS_TIMEOUT=111\nMAX_CONNECTIONS=222\n`);
    const { code, out, errors } = await run({ WS_TIMEOUT: '333' }, ['--check-config'], folder);
    assert.equal(code, 0, errors);
    assert.match(out, /^WS_TIMEOUT=333$/m);
    assert.match(out, /^MAX_CONNECTIONS=222$/m);
  });

  test('the first log line tells what runs', async (t) => {
    const gateway = await startGateway(t, { API_URI: `${API_URI}?code=hush`, NODE_NAME: 'node-a', CONTROL_PORT: '0' });
    const [first] = gateway.log.all;
    assert.ok(first !== undefined);
    for (const name of ['version', 'node', 'publicUrl', 'controlUrl', 'fileLimit', 'cores', 'bus', 'ledger']) {
      assert.notEqual(first[name], undefined, name);
    }
    assert.equal(first['node'], 'node-a');
    assert.ok(JSON.stringify(first).includes(API_URI), 'the backend of the only route');
    assert.doesNotMatch(JSON.stringify(first), /hush/);
    assert.match(String(first['version']), /^\d+\.\d+\.\d+/);
  });

  test('a port that is taken ends the start with an error that names it', async (t) => {
    const holder = createServer().listen(0, '127.0.0.1');
    t.after(() => holder.close());
    await new Promise((resolve) => holder.once('listening', resolve));
    const { port } = holder.address() as AddressInfo;
    const { code, out, errors } = await run({ API_URI, HOST: '127.0.0.1', PORT: String(port) });
    assert.notEqual(code, 0);
    assert.notEqual(code, null);
    assert.match(out + errors, new RegExp(`EADDRINUSE.*${port}`));
  });
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { startApp } from '../support/app.ts';
import { ask } from '../support/ask.ts';
import { startAuthority, type Issued } from '../support/authority.ts';
import { startBackend } from '../support/backend.ts';
import { connect, type Client } from '../support/client.ts';
import { startGateway } from '../support/gateway.ts';
import { isEvent } from '../support/guests.ts';

/** What certificate a new handshake sees. */
async function subjectAt(url: string, ca: string): Promise<string> {
  const socket = connectTls({ port: Number(new URL(url).port), host: '127.0.0.1', ca });
  await once(socket, 'secureConnect');
  const { subject } = socket.getPeerCertificate();
  socket.destroy();
  return String(subject.CN);
}

/** Asks again and again, for as long as a change on disk may take to be seen. */
async function within10s(isTrue: () => Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + 10_000;
  while (!(await isTrue())) {
    assert.ok(performance.now() < end, `${what} within 10 s`);
    await sleep(100);
  }
}

/** A folder as Kubernetes mounts a Secret: names are links through `..data`, which is swapped as one. */
async function mountedSecret(t: TestContext, first: Issued) {
  const folder = await mkdtemp(join(tmpdir(), 'mounted-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  let version = 0;
  const mount = async ({ certFile, keyFile }: Issued): Promise<void> => {
    version += 1;
    const data = join(folder, `..v${version}`);
    await mkdir(data);
    await Promise.all([cp(certFile, join(data, 'tls.crt')), cp(keyFile, join(data, 'tls.key'))]);
    await symlink(`..v${version}`, join(folder, '..tmp'));
    await rename(join(folder, '..tmp'), join(folder, '..data'));
    await rm(join(folder, `..v${version - 1}`), { recursive: true, force: true });
  };
  await mount(first);
  const [certFile, keyFile] = [join(folder, 'tls.crt'), join(folder, 'tls.key')] as const;
  await Promise.all([symlink('..data/tls.crt', certFile), symlink('..data/tls.key', keyFile)]);
  return { mount, certFile, keyFile };
}

test('certificates replaced on disk while 500 clients talk: none dropped, nothing lost, new handshakes see the new one', async (t) => {
  const ca = await startAuthority(t);
  const [first, second] = await Promise.all([ca.issue('first'), ca.issue('second')]);
  const { mount, certFile, keyFile } = await mountedSecret(t, first);
  const backend = await startBackend(t);
  const gateway = await startApp(t, { API_URI: backend.url, TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile });
  const clients: Client[] = [];
  for (let batch = 0; batch < 10; batch += 1)
    clients.push(...(await Promise.all(Array.from({ length: 50 }, () => connect(t, gateway.wsUrl, { ca: ca.cert })))));

  let words = 0;
  let isTalking = true;
  const talking = (async () => {
    while (isTalking) {
      for (const { ws } of clients.slice(words % 450, (words % 450) + 50)) ws.send('word');
      words += 50;
      await sleep(50);
    }
  })();
  assert.equal(await subjectAt(gateway.publicUrl, ca.cert), 'first');
  await mount(second);
  await within10s(async () => (await subjectAt(gateway.publicUrl, ca.cert)) === 'second', 'the new certificate is not served');
  isTalking = false;
  await talking;
  for (const { ws } of clients) ws.send('last word');
  await backend.calls.atLeast(words + 500, isEvent('message'));
  const sent = await ask(`${gateway.controlUrl}/send?all=true`, { method: 'POST', body: 'hello', tls: { ca: ca.cert } });
  assert.equal(sent.body, '500');
  await Promise.all(clients.map(({ frames }) => frames.first(({ text }) => text === 'hello')));
  assert.equal(backend.calls.all.filter(isEvent('close')).length, 0);
  assert.ok(clients.every(({ ws }) => ws.readyState === ws.OPEN));
});

test('half of a new pair, and files that cannot be used, leave the old one in use and are told in the log', async (t) => {
  const ca = await startAuthority(t);
  const [first, second] = await Promise.all([ca.issue('first'), ca.issue('second')]);
  const folder = await mkdtemp(join(tmpdir(), 'pair-'));
  t.after(() => rm(folder, { recursive: true }));
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')] as const;
  await Promise.all([writeFile(certFile, first.cert), writeFile(keyFile, first.key)]);
  const backend = await startBackend(t);
  const gateway = await startApp(t, { API_URI: backend.url, TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile, CONTROL_PORT: '0' });
  const problem = (pattern: RegExp) => gateway.log.first(({ problem: told }) => pattern.test(String(told)));
  await writeFile(certFile, second.cert);
  await problem(/TLS_KEY_FILE: must hold the key of the first certificate/);
  for (const url of [gateway.publicUrl, gateway.controlUrl]) assert.equal(await subjectAt(url, ca.cert), 'first');
  await writeFile(keyFile, second.key.slice(0, 80));
  await problem(/TLS_KEY_FILE: must hold a private key/);
  await rm(keyFile);
  await problem(/ENOENT/);
  await writeFile(keyFile, second.key);
  for (const url of [gateway.publicUrl, gateway.controlUrl])
    await within10s(async () => (await subjectAt(url, ca.cert)) === 'second', 'the new certificate is not served');
  const lines = JSON.stringify(gateway.log.all);
  assert.ok(![...first.key.split('\n'), ...second.key.split('\n')].slice(1, -2).some((line) => line !== '' && lines.includes(line)));
});

const ofTen = <Result>(one: () => Promise<Result>) => Promise.all(Array.from({ length: 10 }, one)); // of two workers, each gets some

test('another authority for callers counts for new connections; a file that holds none changes nothing', async (t) => {
  const [ca, other] = await Promise.all([startAuthority(t), startAuthority(t, 'other')]);
  const [own, caller, stranger] = await Promise.all([ca.issue('gateway'), ca.issue('caller'), other.issue('stranger')]);
  const clientCa = join(ca.folder, 'client-ca.pem');
  await writeFile(clientCa, ca.cert);
  const backend = await startBackend(t);
  const tls = { TLS_CERT_FILE: own.certFile, TLS_KEY_FILE: own.keyFile, TLS_CLIENT_CA_FILE: clientCa };
  const gateway = await startApp(t, { API_URI: backend.url, ...tls });
  const statusOf = async ({ cert, key }: Issued) =>
    (await ask(`${gateway.controlUrl}/count?all=true`, { tls: { ca: ca.cert, cert, key } })).status;
  assert.deepEqual([await statusOf(caller), await statusOf(stranger)], [200, 403]);
  await writeFile(clientCa, 'nobody');
  await gateway.log.first(({ problem }) => String(problem).startsWith('TLS_CLIENT_CA_FILE: must hold a certificate'));
  assert.deepEqual([await statusOf(caller), await statusOf(stranger)], [200, 403]);
  await writeFile(clientCa, other.cert);
  await within10s(async () => (await statusOf(stranger)) === 200, 'the new authority is not in use');
  assert.equal(await statusOf(caller), 403);
});

test('every worker takes new certificates, and on SIGHUP new tokens, into use', async (t) => {
  const ca = await startAuthority(t);
  const [first, second] = await Promise.all([ca.issue('first'), ca.issue('second')]);
  const { mount, certFile, keyFile } = await mountedSecret(t, first);
  const tokenFile = join(ca.folder, 'token');
  await writeFile(tokenFile, 'old\n');
  const backend = await startBackend(t);
  const gateway = await startGateway(t, {
    API_URI: backend.url,
    WORKERS: '2',
    TLS_CERT_FILE: certFile,
    TLS_KEY_FILE: keyFile,
    CONTROL_TOKEN_FILE: tokenFile,
  });
  const statuses = async (token: string) =>
    new Set(
      (
        await ofTen(() =>
          ask(`${gateway.controlUrl}/count?all=true`, { tls: { ca: ca.cert }, headers: { authorization: `Bearer ${token}` } }),
        )
      ).map(({ status }) => status),
    );
  assert.deepEqual([await statuses('old'), await statuses('new')], [new Set([200]), new Set([401])]);
  await mount(second);
  await writeFile(tokenFile, 'new\n');
  gateway.process.kill('SIGHUP');
  await within10s(
    async () => (await ofTen(() => subjectAt(gateway.publicUrl, ca.cert))).every((subject) => subject === 'second'),
    'not every worker serves the new certificate',
  );
  assert.deepEqual([await statuses('old'), await statuses('new')], [new Set([401]), new Set([200])]);
  assert.ok(!gateway.log.all.some(({ msg }) => msg.includes('routes')), 'without ROUTES_FILE nobody asked for routes');
});

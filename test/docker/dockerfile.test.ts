import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { buildImage, PROJECT, readStages } from './build.ts';
import { startAuthority } from '../support/authority.ts';
import { freePort } from '../support/free-port.ts';
import { startContainer } from './container.ts';
import { execForm, ignoreFilter, only, parseCopy } from './dockerfile.ts';

type Manifest = { devDependencies: Record<string, string> };
type Lock = { packages: Record<string, { dev?: boolean }> };

const JOURNAL_DIR = '/var/lib/wsaas/journal';
const API_URI = 'http://127.0.0.1:9/nobody';

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(join(PROJECT, path), 'utf8'));
}

test('the image runs the Node that the tests ran on, from one pinned base', () => {
  const { devDependencies } = readJson('package.json') as Manifest;
  assert.equal(process.version, `v${devDependencies['node']}`);
  assert.deepEqual(
    readStages().map(({ from }) => from),
    Array.from({ length: 2 }, () => `node:${devDependencies['node']}-slim`),
  );
});

test('the process gets signals itself, and is not root', () => {
  const last = readStages()[1];
  assert.ok(last);
  assert.deepEqual(execForm(only(last, 'ENTRYPOINT')), ['node', 'dist/main.js']);
  assert.match(only(last, 'USER'), /^[1-9]\d*:[1-9]\d*$/);
  assert.equal(only(last, 'EXPOSE'), '8080');
});

test('the image has a directory for JOURNAL_DIR that belongs to its user', () => {
  const last = readStages()[1];
  assert.ok(last);
  const copies = last.instructions.filter(({ name }) => name === 'COPY').map(({ rest }) => rest);
  const journal = copies.find((rest) => parseCopy(rest).target === JOURNAL_DIR) ?? assert.fail(`no COPY to ${JOURNAL_DIR}`);
  assert.ok(journal.split(' ').includes(`--chown=${only(last, 'USER')}`), journal);
  for (const page of ['compose.yaml', 'docs/operations.md', 'helm/wsaas/templates/_options.tpl'])
    assert.ok(readFileSync(join(PROJECT, page), 'utf8').includes(JOURNAL_DIR), `${page} names another directory`);
});

test('the image says what it is: OCI labels, with the version of the package', () => {
  const { version, license, description } = readJson('package.json') as Record<string, string>;
  const last = readStages()[1];
  assert.ok(last);
  const labels = Object.fromEntries(
    [...only(last, 'LABEL').matchAll(/org\.opencontainers\.image\.(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]),
  );
  assert.deepEqual(labels, {
    title: 'wsaas',
    description,
    version,
    licenses: license,
    revision: '${REVISION}',
    created: '${CREATED}',
    source: '${SOURCE}',
  });
  const given = last.instructions.filter(({ name }) => name === 'ARG').map(({ rest }) => rest);
  assert.deepEqual(given, ['REVISION=', 'CREATED=', 'SOURCE=']);
});

test('nothing secret, foreign or large gets into the build', () => {
  const isIn = ignoreFilter(readFileSync(join(PROJECT, '.dockerignore'), 'utf8'));
  const files = [
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'LICENSE',
    'src/main.ts',
    'src/core/gateway.ts',
    'tools/build.ts',
    '.env',
    '.git/config',
  ];
  const others = ['node_modules/ws/index.js', 'test/docker/build.ts', 'dist/main.js', 'helm/wsaas/values.yaml', '.npmrc', 'coverage/a'];
  assert.deepEqual([...files, ...others].filter(isIn), files.slice(0, 7));
});

test('the steps of the Dockerfile, run in a clean folder, make a gateway', { timeout: 120_000 }, async (t) => {
  if (process.env['CI'] !== 'true') return t.skip('THE DOCKERFILE WAS NOT TRIED: it takes an `npm ci`, and CI=true does it');
  const image = await buildImage(t);
  const app = join(image.root, image.workdir);

  await t.test('it holds the program and what it needs, and nothing that builds or tests it', () => {
    assert.deepEqual(readdirSync(app).toSorted(), ['LICENSE', 'dist', 'node_modules', 'package.json']);
    const { packages } = readJson('package-lock.json') as Lock;
    const leftovers = Object.entries(packages).filter(([path, { dev }]) => dev === true && existsSync(join(app, path)));
    assert.deepEqual(leftovers, []);
    assert.ok(existsSync(join(app, 'node_modules', 'fastify')));
    assert.ok(!existsSync(join(app, 'node_modules', 'node')));
    assert.deepEqual(readdirSync(join(image.root, JOURNAL_DIR)), []);
  });

  await t.test('it is healthy while it serves, ends with 0 on SIGTERM, and is not healthy then', async (t) => {
    const port = String(await freePort());
    const container = await startContainer(t, image, { API_URI, PORT: port, DRAIN_MS: '0' });
    assert.equal(await container.check(), 0);
    assert.deepEqual(await container.stop('SIGTERM'), { code: 0, signal: null });
    assert.equal(await container.check(), 1);
  });

  await t.test('the health check takes a certificate that is for other names', async (t) => {
    const { certFile, keyFile } = await (await startAuthority(t)).issue('gateway');
    const container = await startContainer(t, image, {
      API_URI,
      TLS_CERT_FILE: certFile,
      TLS_KEY_FILE: keyFile,
      PORT: String(await freePort()),
    });
    assert.equal(await container.check(), 0);
  });

  await t.test('the health check finds a control API with a port and an address of its own', async (t) => {
    const ports = { PORT: String(await freePort()), CONTROL_PORT: String(await freePort('127.0.0.2')) };
    const addresses = { HOST: '127.0.0.1', CONTROL_HOST: '127.0.0.2' };
    const container = await startContainer(t, image, { API_URI, ...ports, ...addresses });
    assert.equal(await container.check(), 0);
  });
});

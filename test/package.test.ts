import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as fastifyEntry from '../src/fastify.ts';
import * as entry from '../src/index.ts';
import { declarations } from '../tools/declarations.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const BIN = join(ROOT, 'node_modules/.bin');
const folder = mkdtempSync(join(tmpdir(), 'package-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const types = declarations();
const tarball = await pack();
const consumer = await install();

/** What `npm pack` makes of the emitted program and its declarations. */
async function pack(): Promise<string> {
  const copy = join(folder, 'copy');
  for (const name of ['package.json', 'dist', 'README.md', 'LICENSE', 'openapi.yaml', 'routes.schema.json'])
    cpSync(join(ROOT, name), join(copy, name), { recursive: true });
  for (const [path, text] of types) writeFileSync(join(copy, 'dist', path), text);
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], { cwd: copy });
  const [packed] = JSON.parse(stdout) as [{ filename: string }];
  return join(folder, packed.filename);
}

/** A project of its own with the packed package, and those packages that ours depends on; of types it has those of Node. */
async function install(): Promise<string> {
  const project = join(folder, 'consumer');
  const modules = join(project, 'node_modules');
  mkdirSync(join(modules, 'wsaas'), { recursive: true });
  mkdirSync(join(modules, '@types'));
  await run('tar', ['-xzf', tarball, '-C', join(modules, 'wsaas'), '--strip-components=1']);
  const names = readdirSync(join(ROOT, 'node_modules')).filter((name) => !name.startsWith('.') && name !== '@types' && name !== 'wsaas');
  for (const name of names) symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  symlinkSync(join(ROOT, 'node_modules/@types/node'), join(modules, '@types/node'));
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
  return project;
}

test('these names are exported, and no others', () => {
  assert.deepEqual(Object.keys(entry).toSorted(), ['ConfigError', 'createGateway']);
  assert.deepEqual(Object.keys(fastifyEntry).toSorted(), ['wsaas']);
  const named = [...(types.get('index.d.ts') ?? '').matchAll(/export type \{([^}]+)\}/g)].flatMap(([, names = '']) => names.split(','));
  assert.deepEqual(
    named
      .map((name) => name.trim())
      .filter((name) => name !== '')
      .toSorted(),
    [
      'Admission',
      'Client',
      'CloseAllOptions',
      'Extension',
      'Gateway',
      'GatewayLimits',
      'GatewayLogger',
      'GatewayOptions',
      'GatewayRoute',
      'Handlers',
      'HandlersFactory',
      'Handshake',
      'Observers',
      'SelectionSent',
      'Selector',
      'SendOptions',
      'Sent',
      'SimulateOptions',
      'Simulation',
      'Tags',
    ],
  );
});

test('its types mention nothing of the inside, and of packages Fastify alone', () => {
  assert.deepEqual([...types.keys()].toSorted(), [
    'backends/handlers/handlers.d.ts',
    'config/config-error.d.ts',
    'fastify.d.ts',
    'index.d.ts',
    'library/surface.d.ts',
  ]);
  const packages = [...types.values()].flatMap((text) => [...text.matchAll(/from '([^.'][^']*)'/g)].map(([, name]) => name));
  assert.deepEqual(packages, ['fastify']);
});

test('publint and arethetypeswrong find nothing', async () => {
  // each ends with 1 for what it finds
  await run(join(BIN, 'publint'), ['--strict', tarball]);
  await run(join(BIN, 'attw'), ['--profile', 'esm-only', tarball]);
});

const TYPED = `
import { createGateway, ConfigError, type Admission, type Client, type Gateway, type Handlers, type HandlersFactory, type Handshake, type Selector } from 'wsaas';
import { wsaas } from 'wsaas/fastify';
import fastify from 'fastify';

type Member = { name: string };
const everybody: Selector = { all: true };
const chat: HandlersFactory<Member> = (gateway: Gateway): Handlers<Member> => ({
  onOpen(client: Client<Member>, request: Handshake): Admission | void {
    client.data = { name: String(request.query['name'] ?? 'nobody') };
    if (client.data.name === 'nobody') return { refuse: 403 };
    return { tags: { room: client.params['room'] }, message: 'welcome' };
  },
  async onMessage(client, data) {
    const { sent } = await gateway.send(everybody, \`\${client.data?.name}: \${String(data)}\`);
    gateway.limits.idleTimeoutMs = 1_000 * sent;
  },
});
`;

const TALK = `
async function talk(url: string): Promise<void> {
  const socket = new WebSocket(url.replace('http', 'ws') + '/chat/7?name=Ada');
  socket.onmessage = ({ data }) => {
    console.log(String(data));
    if (data === 'welcome') socket.send('hello');
    else socket.close();
  };
  await new Promise((resolve) => (socket.onclose = resolve));
}
const gateway = await createGateway({ options: { PORT: 0, HOST: '127.0.0.1', LOG_LEVEL: 'ERROR' }, routes: [{ path: '/chat/:room', backend: chat }] });
await talk((await gateway.listen()).publicUrl);
await gateway.close();
const application = fastify();
await application.register(wsaas, { routes: [{ path: '/chat/:room', backend: chat }], controlPrefix: '/ws' });
await talk(await application.listen({ port: 0, host: '127.0.0.1' }));
await application.close();
await import('./program.ts');
await createGateway({ routes: [] }).catch((error: unknown) => console.log(error instanceof ConfigError));
`;

/** What both programs print, before they end by themselves. */
const TOLD = ['welcome', 'Ada: hello', 'welcome', 'Ada: hello', 'true', 'true'];

/** So are the programs of docs/library.md, and its examples. */
const documented = [...readFileSync(join(ROOT, 'docs/library.md'), 'utf8').matchAll(/^```ts\n(import .*?)^```$/gms)].map(
  ([, code = '']) => code,
);
const examples = readdirSync(join(ROOT, 'examples/library')).filter((name) => name.endsWith('.ts'));

test('a strict TypeScript project without skipLibCheck type-checks against it and runs: library and Fastify plugin', async () => {
  writeFileSync(join(consumer, 'main.ts'), TYPED + TALK);
  const [program = '', application = ''] = documented;
  writeFileSync(
    join(consumer, 'program.ts'),
    `${program.replace('8080', '0')}console.log(publicUrl.startsWith('http://'));\nawait gateway.close();`,
  );
  writeFileSync(join(consumer, 'application.ts'), `import type { Handlers } from 'wsaas';\ndeclare const chat: Handlers;\n${application}`);
  for (const name of examples) cpSync(join(ROOT, 'examples/library', name), join(consumer, name));
  writeFileSync(
    join(consumer, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        strict: true,
        noEmit: true,
        skipLibCheck: false,
        exactOptionalPropertyTypes: true,
        module: 'nodenext',
        target: 'es2024',
        types: ['node'],
        allowImportingTsExtensions: true,
      },
      files: ['main.ts', 'program.ts', 'application.ts', ...examples],
    }),
  );
  const { stdout } = await run(join(BIN, 'tsc'), ['-p', consumer]).catch((error: unknown) => error as { stdout: string });
  assert.equal(stdout, '');
  const { stdout: told } = await run(process.execPath, ['main.ts'], { cwd: consumer, timeout: 30_000 });
  assert.deepEqual(
    told.split('\n').filter((line) => line !== '' && !line.startsWith('{')),
    TOLD,
  );
});

test('a JavaScript project runs it: the program and its modules', async () => {
  const { stdout } = await run(process.execPath, ['node_modules/wsaas/dist/main.js', '--version'], { cwd: consumer });
  assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
  writeFileSync(
    join(consumer, 'main.js'),
    `import { createGateway } from 'wsaas';
     const gateway = await createGateway({ routes: [{ path: '/*', backend: { onMessage: (client, data) => client.send(data) } }], options: { LOG_LEVEL: 'ERROR' } });
     console.log(await gateway.count());
     await gateway.close();`,
  );
  assert.equal((await run(process.execPath, ['main.js'], { cwd: consumer, timeout: 30_000 })).stdout, '0\n');
});

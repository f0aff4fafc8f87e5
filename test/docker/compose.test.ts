import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { parse } from 'yaml';
import { options } from '../../src/config/options.ts';
import { connect } from '../support/client.ts';
import { startGateway } from '../support/gateway.ts';
import { startProgram } from '../support/program.ts';
import { run } from '../support/run.ts';
import { PROJECT, readStages } from './build.ts';
import { freePort } from '../support/free-port.ts';

type Service = {
  readonly build?: string;
  readonly image?: string;
  readonly command?: readonly string[];
  readonly environment: Readonly<Record<string, string | number>>;
  readonly ports?: readonly string[];
  readonly volumes: readonly string[];
  readonly extra_hosts?: readonly string[];
  readonly stop_grace_period?: string;
};
type Compose = { readonly services: Readonly<Record<'gateway' | 'backend', Service>>; readonly volumes: object };

const { services, volumes } = parse(readFileSync(join(PROJECT, 'compose.yaml'), 'utf8')) as Compose;
const readme = readFileSync(join(PROJECT, 'README.md'), 'utf8');

/** The variables of a service, its `${NAME:-default}` filled in from what the caller's shell has. */
function environmentOf({ environment }: Service, shell: Readonly<Record<string, string>> = {}): Record<string, string> {
  const filled = Object.entries(environment).map(([name, value]) => [
    name,
    String(value).replaceAll(/\$\{(\w+):-([^}]*)\}/g, (_whole, key: string, standard: string) => shell[key] ?? standard),
  ]);
  return Object.fromEntries(filled) as Record<string, string>;
}

/** What the shell has in the command of compose.yaml's head that is for a backend on the host. */
const onTheHost = Object.fromEntries(
  [
    ...(
      /^# +(API_URI=.*) docker compose up --build gateway$/m.exec(readFileSync(join(PROJECT, 'compose.yaml'), 'utf8'))?.[1] ?? ''
    ).matchAll(/(\w+)=(\S+)/g),
  ].map(([, name, value]) => [name, value]),
) as Record<string, string>;

/** The program takes these variables, and warns of none. */
async function assertTaken(environment: Record<string, string>): Promise<void> {
  for (const name of Object.keys(environment)) assert.ok(name in options, `${name} is no option`);
  const { JOURNAL_DIR: _made, ...others } = environment; // the image has it, this machine has not
  const { code, out, errors } = await run(others, ['--check-config']);
  assert.deepEqual({ code, errors }, { code: 0, errors: '' });
  for (const [name, value] of Object.entries(others)) assert.ok(out.includes(`${name}=${value}\n`), name);
}

test('compose.yaml sets options only, with values that the program takes, for a backend in a container and on the host', async () => {
  await assertTaken(environmentOf(services.gateway));
  assert.deepEqual(Object.keys(onTheHost), ['API_URI', 'WS_HOSTNAME']);
  await assertTaken(environmentOf(services.gateway, onTheHost));
});

test('compose.yaml: the names lead where they say, from a container and from the host', () => {
  const inside = environmentOf(services.gateway);
  const outside = environmentOf(services.gateway, onTheHost);
  const control = inside['CONTROL_PORT'] ?? '';
  assert.equal(inside['WS_HOSTNAME'], `gateway:${control}`);
  assert.equal(new URL(inside['API_URI'] ?? '').host, `backend:${services.backend.environment['PORT']}`);
  assert.equal(services.backend.environment['HOST'], '0.0.0.0');
  assert.equal(outside['WS_HOSTNAME'], `localhost:${control}`);
  assert.equal(new URL(outside['API_URI'] ?? '').hostname, 'host.docker.internal');
  assert.deepEqual(services.gateway.extra_hosts, ['host.docker.internal:host-gateway']);
  // clients from everywhere; the control API from this machine only
  assert.deepEqual(services.gateway.ports, ['8080:8080', `127.0.0.1:${control}:${control}`]);
});

test('compose.yaml: the volumes are declared and mounted where the program looks, and the drain has its time', () => {
  const [volume = '', path = ''] = services.gateway.volumes[0]?.split(':') ?? [];
  assert.deepEqual(Object.keys(volumes), [volume]);
  assert.equal(path, services.gateway.environment['JOURNAL_DIR']);
  const [file = '', inside = ''] = services.backend.volumes[0]?.split(':') ?? [];
  assert.ok(readFileSync(join(PROJECT, file), 'utf8').includes('createServer'));
  assert.deepEqual(services.backend.command, ['node', inside]);
  assert.equal(services.backend.image, readStages()[0]?.from);
  const grace = Number(/^(\d+)s$/.exec(services.gateway.stop_grace_period ?? '')?.[1]);
  const [delayMs = 0, spreadMs = 0] = [options.DRAIN_DELAY_MS, options.DRAIN_MS].map((option) => (option as { default?: number }).default);
  const drainMs = delayMs + spreadMs + 5_000;
  assert.ok(grace * 1_000 > drainMs, `${grace} s`);
});

const docker = [...readme.matchAll(/^docker run (.*) wsaas$/gm)].map(([, argv = '']) => argv);

test('the README has a `docker run` for a backend in a container and one for a backend on the host', () => {
  assert.equal(docker.length, 2);
  assert.ok(docker.some((argv) => argv.includes('--network') && argv.includes('--name gateway') && argv.includes('WS_HOSTNAME=gateway:')));
  assert.ok(
    docker.some((argv) => argv.includes('--add-host host.docker.internal:host-gateway') && argv.includes('WS_HOSTNAME=localhost:')),
  );
});

for (const argv of docker) {
  test(`what \`docker run ${argv.slice(0, 30)}…\` sets are options, and its ports are published`, async () => {
    const environment = Object.fromEntries([...argv.matchAll(/-e (\w+)=(\S+)/g)].map(([, name, value]) => [name, value])) as Record<
      string,
      string
    >;
    await assertTaken(environment);
    const ports = new Set([...argv.matchAll(/-p (\S+)/g)].map(([, port]) => port));
    assert.ok(ports.has('8080:8080'));
    const control = environment['CONTROL_PORT'];
    const isOutside = environment['WS_HOSTNAME']?.startsWith('localhost:') ?? false;
    assert.equal(ports.has(`127.0.0.1:${control}:${control}`), isOutside);
    assert.equal(environment['WS_HOSTNAME']?.split(':')[1], control);
    assert.match(argv, /--stop-timeout 20/);
  });
}

/** The services as processes of this machine: names of containers become its own, fixed ports free ones. */
async function startServices(t: TestContext): Promise<string> {
  const argv = [join(PROJECT, 'examples/chat-backend.mjs')];
  const { url } = await startProgram(t, { command: process.execPath, argv, url: /^chat backend: (http:\S+)/ });
  const control = String(await freePort());
  const { JOURNAL_DIR: _made, ...given } = environmentOf(services.gateway);
  const gateway = await startGateway(t, {
    ...given,
    API_URI: (given['API_URI'] ?? '').replace(/backend:\d+/, new URL(url).host),
    CONTROL_PORT: control,
    WS_HOSTNAME: (given['WS_HOSTNAME'] ?? '').replace(/gateway:\d+/, `127.0.0.1:${control}`),
  });
  return gateway.wsUrl;
}

test('what compose.yaml starts is a chat: a client is greeted, and hears what another one says', async (t) => {
  const wsUrl = await startServices(t);
  const first = await connect(t, wsUrl);
  const second = await connect(t, wsUrl);
  assert.match((await second.frames.first(() => true)).text, /^Welcome/);
  first.ws.send('hello');
  await second.frames.first(({ text }) => text === 'hello');
});

/** Runs this code in a Node of its own; what it prints first, after which it is given a line to read. */
async function sayInto(t: TestContext, code: string, line: string): Promise<string> {
  const child = spawn(process.execPath, ['-e', code], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'close');
  t.after(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const [heard] = (await once(child.stdout, 'data')) as [Buffer];
  child.stdin.write(line);
  return String(heard);
}

test('the client of the README, one line of Node, connects, hears and is heard', async (t) => {
  const wsUrl = await startServices(t);
  const [, line = ''] = /^node -e "(ws = .*)"$/m.exec(readme) ?? assert.fail('the README has no client in one line');
  const other = await connect(t, wsUrl);
  const code = line.replace('ws://localhost:8080', wsUrl);
  assert.notEqual(code, line);
  const said = await sayInto(t, code, 'hello\n');
  assert.match(said, /^Welcome/);
  await other.frames.first(({ text }) => text === 'hello');
});

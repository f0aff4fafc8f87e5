import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { killProcesses } from '../../src/backends/functions/module/process.ts';
import { findProgram, isExecutable } from '../examples/programs.ts';
import type { Certificate } from './certificate.ts';
import { freePort } from './free-port.ts';
import { signalTo } from './signals.ts';

/** A RabbitMQ of its own; it ends with the test, and so does what it wrote. */
export type AmqpBroker = {
  readonly url: string;
  /** Of its TLS listener; empty: it has none. */
  readonly tlsUrl: string;
  /** As if its machine lost power. */
  readonly kill: () => Promise<void>;
  /** Starts again on the same port, with what it had. */
  readonly restart: () => Promise<void>;
  readonly freeze: () => void;
  readonly thaw: () => void;
};

const PROGRAM = '/usr/lib/rabbitmq/bin/rabbitmq-server';

/** Why tests with RabbitMQ cannot run here, or false. In CI it is there, or the tests fail. */
export function amqpMissing(): string | false {
  const isThere = isExecutable(PROGRAM) && ['epmd', 'erl'].every((program) => findProgram([program]) !== null);
  return isThere || process.env['CI'] === 'true'
    ? false
    : 'rabbitmq-server, or its epmd or erl, is not on this machine: install it to run these tests';
}

/** Starts a node of its own, with an own port mapper: the machine's does not learn of it. Costs several seconds of a processor. */
export async function startBroker(t: Pick<TestContext, 'after'>, certificate: Certificate | null = null): Promise<AmqpBroker> {
  const directory = await mkdtemp(join(tmpdir(), 'rabbitmq-'));
  const [port, distribution, mapper, tlsPort] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
  if (certificate !== null) await writeFile(join(directory, 'rabbitmq.conf'), speakingTls(tlsPort, certificate));
  await mkdir(join(directory, 'log'));
  await writeFile(join(directory, 'plugins'), '[].');
  const pidFile = join(directory, 'pid');
  const env = {
    PATH: process.env['PATH'],
    HOME: directory, // of the cookie
    RABBITMQ_NODENAME: `wsaas-${port}@localhost`,
    RABBITMQ_MNESIA_BASE: join(directory, 'mnesia'),
    RABBITMQ_LOG_BASE: join(directory, 'log'),
    RABBITMQ_LOGS: '-',
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(distribution),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(directory, 'plugins'),
    RABBITMQ_CONFIG_FILE: join(directory, 'rabbitmq.conf'), // there where it speaks TLS
    RABBITMQ_CONF_ENV_FILE: join(directory, 'none'),
    RABBITMQ_PID_FILE: pidFile,
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none',
    ERL_EPMD_PORT: String(mapper),
    ERL_EPMD_ADDRESS: '127.0.0.1',
  };
  const epmd = spawn('epmd', ['-port', String(mapper)], { env, stdio: 'ignore' });
  await once(epmd, 'spawn');
  let server: ChildProcess | null = null;
  let pid = Number.NaN; // Erlang's, which the program starts

  async function restart(): Promise<void> {
    const started = spawn(PROGRAM, [], { env, cwd: directory, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    server = started;
    const words: string[] = [];
    await new Promise<void>((resolve, reject) => {
      started.once('error', reject);
      started.once('exit', (code) => reject(new Error(`RabbitMQ ended with ${code} before it was ready: ${words.slice(-20).join('\n')}`)));
      for (const stream of [started.stdout, started.stderr]) {
        createInterface({ input: stream }).on('line', (line) => {
          words.push(line);
          if (line.includes('Server startup complete')) resolve();
        });
      }
    });
    pid = Number(await readFile(pidFile, 'utf8'));
  }

  async function kill(): Promise<void> {
    if (server === null) return;
    const ending = server;
    server = null;
    killProcesses(ending);
    if (ending.exitCode === null && ending.signalCode === null) await once(ending, 'close');
  }

  t.after(async () => {
    await kill();
    epmd.kill('SIGKILL');
    await rm(directory, { recursive: true, force: true });
  });
  await restart();
  return {
    url: `amqp://127.0.0.1:${port}`,
    tlsUrl: certificate === null ? '' : `amqps://localhost:${tlsPort}`,
    kill,
    restart,
    freeze: () => signalTo(pid, 'SIGSTOP'),
    thaw: () => signalTo(pid, 'SIGCONT'),
  };
}

function speakingTls(port: number, { certFile, keyFile }: Certificate): string {
  const lines = [`listeners.ssl.1 = 127.0.0.1:${port}`, `ssl_options.certfile = ${certFile}`, `ssl_options.keyfile = ${keyFile}`];
  return [...lines, 'ssl_options.verify = verify_none', ''].join('\n');
}

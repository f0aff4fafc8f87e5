import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ask } from './ask.ts';
import { startCanary } from './canary.ts';
import { descriptorsOf } from './descriptors.ts';
import type { EchoStarted, EchoTold } from './echo-process.ts';
import { startGateway, type GatewayProcess } from './gateway.ts';
import { routesFile } from './routes-file.ts';
import { pidOf } from './signals.ts';

/** A socket that the gateway has refused is gone after this: a request may take so long, and so may a closing handshake. */
export const HANDSHAKE_TIMEOUT_MS = 2_500;
export const CLOSE_TIMEOUT_MS = 500;
export const MAX_MESSAGE_BYTES = 4_096;
const ERROR = 50;
const LOOK_AGAIN_MS = 100;
const BACK_TO_REST_MS = 10_000;

const ENVIRONMENT = {
  HANDSHAKE_TIMEOUT_MS: String(HANDSHAKE_TIMEOUT_MS),
  CLOSE_TIMEOUT_MS: String(CLOSE_TIMEOUT_MS),
  CONTROL_ALLOW: '127.0.0.0/8', // all of the control API is there to be attacked
};

export type Arena = {
  readonly gateway: GatewayProcess;
  readonly told: () => Promise<EchoTold>;
  /**
   * Before an attack; what it resolves to is called after it. Then the gateway lives, is as it was, has logged nothing bad,
   * and has served a canary all the time.
   */
  readonly begin: (t: TestContext) => Promise<() => Promise<void>>;
};

type Options = { readonly dialect?: 'wsaas' | 'ocpp'; readonly maxMessageBytes?: number };

/** A gateway, a backend that echoes and clients that are well-behaved, each a process of its own; what attacks them is the test's affair. */
export async function openArena(
  t: Pick<TestContext, 'after'>,
  { dialect = 'wsaas', maxMessageBytes = MAX_MESSAGE_BYTES }: Options = {},
): Promise<Arena> {
  const backend = await startEchoProcess(t);
  const isOcpp = dialect === 'ocpp';
  const route = isOcpp ? 'path: "/:id", dialect: ocpp' : 'path: "/*", reply: true';
  const routes = await routesFile(t, `routes:\n  - { ${route}, backend: "${backend.url}" }\n`);
  const gateway = await startGateway(t, { ...ENVIRONMENT, MAX_MESSAGE_BYTES: String(maxMessageBytes), ROUTES_FILE: routes.path }, [
    '--stack-trace-limit=1', // most errors here are told to whoever caused them
    '--max-semi-space-size=64', // MiB; little of what an attack makes is to be kept
  ]);
  const canary = { url: `${gateway.wsUrl}/CANARY`, ...(isOcpp && { subprotocol: 'ocpp1.6' }), pids: [gateway.pid, backend.pid] };
  return {
    gateway,
    told: backend.told,
    async begin(t) {
      const endCanary = await startCanary(t, canary);
      const atRest = await presence(gateway, backend.port);
      return async () => {
        await backToRest(gateway, backend.port, atRest);
        const { counts, strangeUrls } = await backend.told();
        assert.deepEqual(strangeUrls.slice(0, 5), [], 'the backend was asked at an address that nobody gave');
        assert.equal(counts.close, counts.open - 1, 'one close for every accepted open but that of the canary');
        const { slowestMs, slowestOnTheClockMs, echoes } = await endCanary();
        assert.deepEqual([gateway.process.exitCode, gateway.process.signalCode], [null, null], 'the gateway has ended');
        const complaints = gateway.log.all.filter(({ level }) => level >= ERROR);
        assert.deepEqual(complaints.slice(0, 3), [], 'the gateway has logged errors');
        t.diagnostic(
          `the canary heard ${echoes} echoes, the slowest after ${slowestMs.toFixed(1)} ms (${slowestOnTheClockMs.toFixed(1)} on the clock)`,
        );
      };
    },
  };
}

type Presence = { readonly descriptors: readonly string[]; readonly connections: number; readonly closesPending: number };

async function presence({ pid, controlUrl }: GatewayProcess, backendPort: number): Promise<Presence> {
  const { status, body } = await ask(`${controlUrl}/metrics`);
  const gauge = (name: string): number => {
    const value = new RegExp(`^${name} (\\d+)$`, 'm').exec(body)?.[1];
    if (value === undefined) throw new Error(`/metrics was to tell ${name}, it said ${status}: ${body.slice(0, 200)}`);
    return Number(value);
  };
  return {
    descriptors: descriptorsOf(pid, backendPort),
    connections: gauge('wsaas_connections'),
    closesPending: gauge('wsaas_closes_pending'),
  };
}

/** Looks until no more is open than was; tells what still is when patience is over. */
async function backToRest(gateway: GatewayProcess, backendPort: number, wanted: Presence): Promise<void> {
  const until = performance.now() + BACK_TO_REST_MS;
  for (;;) {
    const now = await presence(gateway, backendPort);
    const isAsItWas = now.connections === wanted.connections && now.closesPending === wanted.closesPending;
    if (isAsItWas && now.descriptors.length <= wanted.descriptors.length) return;
    if (performance.now() > until) return assert.deepEqual(now, wanted, 'sockets or connections are left over');
    await pause(LOOK_AGAIN_MS); // the kernel tells nobody when a process closes a file
  }
}

async function startEchoProcess(t: Pick<TestContext, 'after'>) {
  const child = fork(fileURLToPath(new URL('echo-process.ts', import.meta.url)));
  const exited = once(child, 'exit');
  t.after(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const [{ url, port }] = (await once(child, 'message')) as [EchoStarted];
  const told = async (): Promise<EchoTold> => {
    child.send('tell');
    const [answer] = (await once(child, 'message')) as [EchoTold];
    return answer;
  };
  return { url, port, pid: pidOf(child), told };
}

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { LoadOrder } from './load/order.ts';
import type { Target } from './target.ts';

type Kind = Pick<Workload, 'env' | 'routes' | 'hasFloor'> & {
  readonly drives: LoadOrder['workload'];
  readonly speech: LoadOrder['speech'];
};

const PLAIN = { env: {}, routes: null, hasFloor: true, speech: null };

const HANDLERS = 'handlers';
const IN_PROCESS = { API_URI: `module:${fileURLToPath(new URL('echo-handlers.mjs', import.meta.url))}` };

/** What can be measured, and how it is driven. */
const KINDS = {
  upstream: { ...PLAIN, drives: 'upstream' },
  pipelined: { ...PLAIN, drives: 'upstream', env: { BACKEND_PIPELINING: '64', BACKEND_CONNECTIONS: '4' } },
  downstream: { ...PLAIN, drives: 'downstream' },
  across: { ...PLAIN, drives: 'downstream', env: { WORKERS: '2' } },
  tls: { ...PLAIN, drives: 'upstream' },
  broadcast: { ...PLAIN, drives: 'broadcast' },
  tag: { ...PLAIN, drives: 'broadcast', routes: 'routes: [{ path: /*, backend: "BACKEND", tags: { room: a } }]' },
  connect: { ...PLAIN, drives: 'connect' },
  idle: { ...PLAIN, drives: 'idle' },
  latency: { ...PLAIN, drives: 'upstream' },
  stream: { ...PLAIN, drives: 'upstream', hasFloor: false },
  raw: {
    ...PLAIN,
    drives: 'round-trip',
    speech: 'raw',
    hasFloor: false,
    routes: 'routes: [{ path: /:id, dialect: raw, backend: "BACKEND" }]',
  },
  ocpp: {
    ...PLAIN,
    drives: 'round-trip',
    speech: 'ocpp',
    hasFloor: false,
    routes: 'routes: [{ path: /:id, dialect: ocpp, backend: "BACKEND" }]',
  },
  aws: {
    ...PLAIN,
    drives: 'upstream',
    speech: 'aws',
    hasFloor: false,
    routes: 'routes: [{ path: /prod, dialect: aws, backend: "BACKEND", routes: { $connect: {}, $disconnect: {}, m: {}, $default: {} } }]',
  },
  echo: { ...PLAIN, drives: 'round-trip', env: IN_PROCESS },
  'idle-handlers': { ...PLAIN, drives: 'idle' },
} as const satisfies Readonly<Record<string, Kind>>;

export type WorkloadName = keyof typeof KINDS;
export const WORKLOADS = Object.keys(KINDS) as readonly WorkloadName[];
/** `upstream@1000` is an open loop of 1,000 a second. */
export type Workload = {
  readonly label: string;
  readonly name: WorkloadName;
  readonly ratePerSecond: number;
  /** What the gateway gets in its environment for this one. */
  readonly env: Readonly<Record<string, string>>;
  /** Its routes file, with BACKEND for the backend's URL; null: one route for all. */
  readonly routes: string | null;
  /** False: the floor cannot do it. */
  readonly hasFloor: boolean;
};

export type Options = {
  readonly workloads: readonly Workload[];
  readonly rounds: number;
  readonly isPinned: boolean;
  readonly profileFolder: string | null;
  readonly quietMs: number;
  readonly jsonPath: string | null;
  readonly ours: Target;
  readonly floor: Target;
  /** Another build, which takes turns with ours in place of the floor. */
  readonly against: Target | null;
  /** Of `echo`. */
  readonly echoFloor: Target;
  /** Ours, with code in its process in place of a backend. */
  readonly handlers: Target;
  readonly orderFor: (workload: Workload, target: Target) => LoadOrder;
};

const FLOOR = fileURLToPath(new URL('floor.ts', import.meta.url));
const ECHO_FLOOR = fileURLToPath(new URL('echo-floor.ts', import.meta.url));

export const USAGE = `node bench/bench.ts [options]
  --workloads upstream,pipelined,upstream@1000,tls,downstream,across,broadcast,tag,connect,idle,latency,raw,ocpp,aws,stream@20000,echo,idle-handlers   what to measure; @ is a rate a second
  --rounds 3          alternations of ours and the floor
  --duration 5        seconds of each run, after --warm-up 2
  --connections       clients: 1000; broadcast and connect 10000
  --in-flight 64      messages or pushes on their way at once, one on a connection
  --size 128          bytes of a message, 28 to 65535
  --rate 0            messages a second for all workloads without @; 0: as fast as it goes
  --broadcasts 20     requests to all
  --backend-delay 0   milliseconds for which the backend thinks about an answer
  --steps 5000,10000,15000   connections at which idle memory is read, each after --settle 3 seconds
  --env NAME=VALUE    given to the gateway, may be repeated
  --main dist/main.js the gateway to measure
  --against FILE      another build of it, in place of the floor
  --quiet 0           seconds to wait at most before each run for a machine that does nothing else
  --unpinned          do not hold the gateway and the generator to a core each
  --patience 10       seconds to wait for the last arrivals
  --profile FOLDER    also write a CPU profile of each run (bench/profile.ts reads it); its figures are dearer
  --json FILE         also write everything as JSON`;

/** Null: help was asked for. Throws an Error that says what was wanted. */
export function readOptions(argv: readonly string[]): Options | null {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      workloads: {
        type: 'string',
        default:
          'upstream,pipelined,upstream@1000,tls,downstream,across,broadcast,tag,connect,idle,latency,raw,ocpp,aws,stream@20000,echo,idle-handlers',
      },
      rounds: { type: 'string', default: '3' },
      duration: { type: 'string', default: '5' },
      'warm-up': { type: 'string', default: '2' },
      connections: { type: 'string' },
      'in-flight': { type: 'string', default: '64' },
      size: { type: 'string', default: '128' },
      rate: { type: 'string', default: '0' },
      broadcasts: { type: 'string', default: '20' },
      'backend-delay': { type: 'string', default: '0' },
      steps: { type: 'string', default: '5000,10000,15000' },
      settle: { type: 'string', default: '3' },
      env: { type: 'string', multiple: true, default: [] },
      main: { type: 'string', default: fileURLToPath(new URL('../dist/main.js', import.meta.url)) },
      against: { type: 'string' },
      quiet: { type: 'string', default: '0' },
      unpinned: { type: 'boolean', default: false },
      patience: { type: 'string', default: '10' },
      profile: { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  const rate = number('rate', values.rate, 0);
  const connections = values.connections === undefined ? null : number('connections', values.connections, 1);
  const steps = values.steps.split(',').map((step) => number('steps', step, 1));
  const common = {
    inFlight: number('in-flight', values['in-flight'], 1),
    sizeBytes: number('size', values.size, 28),
    warmUpMs: number('warm-up', values['warm-up'], 0) * 1_000,
    durationMs: number('duration', values.duration, 0.1) * 1_000,
    repetitions: number('broadcasts', values.broadcasts, 1),
    backendDelayMs: number('backend-delay', values['backend-delay'], 0),
    settleMs: number('settle', values.settle, 0) * 1_000,
    steps,
    streamUrl: '',
    patienceMs: number('patience', values.patience, 0) * 1_000,
  };
  for (const [option, file] of [
    ['main', values.main],
    ['against', values.against ?? values.main],
  ] as const)
    if (!existsSync(file)) throw new Error(`--${option}: a gateway to measure was wanted; ${file} does not exist (npm run build)`);
  const env = { CONTROL_ALLOW: '127.0.0.0/8', ...Object.fromEntries(values.env.map(pair)) };
  const ours: Target = { name: 'ours', script: values.main, env, broadcastRequest: 'POST /send?all=true' };
  return {
    workloads: values.workloads.split(',').map((label) => workloadOf(label, rate)),
    rounds: number('rounds', values.rounds, 1),
    isPinned: !values.unpinned,
    profileFolder: values.profile ?? null,
    quietMs: number('quiet', values.quiet, 0) * 1_000,
    jsonPath: values.json ?? null,
    ours,
    against: values.against === undefined ? null : { ...ours, name: 'floor', script: values.against },
    floor: { name: 'floor', script: FLOOR, env: {}, broadcastRequest: 'PUT /broadcast' },
    echoFloor: { name: 'floor', script: ECHO_FLOOR, env: {}, broadcastRequest: '' },
    handlers: { ...ours, name: HANDLERS, env: { ...env, ...IN_PROCESS } },
    orderFor: ({ name, ratePerSecond }, { name: target, broadcastRequest }) => ({
      ...common,
      workload: KINDS[name].drives,
      speech: KINDS[name].speech,
      isEncrypted: name === 'tls',
      isInProcess: name === 'echo' || target === HANDLERS,
      connections: connections ?? (MANY.has(KINDS[name].drives) ? 10_000 : 1_000),
      ratePerSecond,
      broadcastRequest: name === 'tag' ? broadcastRequest.replace('all=true', 'room=a') : broadcastRequest,
    }),
  };
}

const MANY: ReadonlySet<string> = new Set(['broadcast', 'connect']);

function workloadOf(label: string, rate: number): Workload {
  const [name, own] = label.split('@') as [string, string | undefined];
  if (!Object.hasOwn(KINDS, name)) throw new Error(`--workloads: one of ${WORKLOADS.join(', ')} was wanted, not "${name}"`);
  const { env, routes, hasFloor } = KINDS[name as WorkloadName];
  return {
    label,
    name: name as WorkloadName,
    ratePerSecond: own === undefined ? rate : number('workloads', own, 1),
    env,
    routes,
    hasFloor,
  };
}

function number(name: string, text: string, least: number): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= least)) throw new Error(`--${name}: a number of at least ${least} was wanted, not "${text}"`);
  return value;
}

function pair(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw new Error(`--env: NAME=VALUE was wanted, not "${text}"`);
  return [text.slice(0, at), text.slice(at + 1)];
}

import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startBackend, type Backend, type Call, type Handler } from './backend.ts';
import { startEngine, type EngineKind, type EngineServer } from './engine-server.ts';
import { startGateway, type GatewayProcess } from './gateway.ts';
import { ask, type Asked } from './ask.ts';
import { bodyOf, enter, isEvent, ok, type Guest } from './guests.ts';
import { routesFile } from './routes-file.ts';

export type ClusterNode = { readonly name: string; gateway: GatewayProcess; isUp: boolean };
export type Cluster = {
  readonly engine: EngineServer;
  readonly backend: Backend;
  readonly nodes: readonly [ClusterNode, ClusterNode, ClusterNode];
  /** Starts a gateway again in place of the one that ended, with these variables on top of those that it had. */
  readonly restart: (node: ClusterNode, env?: Record<string, string>) => Promise<void>;
  /** How often a process found out that it had been away for longer than its lease: on purpose, or starved by its machine. */
  readonly takenForDead: () => number;
};

/** Short, so that a test sees its end; a process of this machine is never away for so long. */
export const LEASE_MS = 3_000;
/** A lease, and what may pass until the last end is told. */
export const DEATH_MS = LEASE_MS + 10_000;
/** All works again so long after the engine's return. */
export const BACK_MS = 5_000;

/** The variables of each node beside those that all have. */
const NODES: Readonly<Record<string, Record<string, string>>> = { n1: {}, n2: {}, n3: { REQUIRE_BUS: 'true' } };

/** Lets everybody in: ids that clients chose under `/raw/`, tags for all others. */
export const welcome: Handler = (call) => {
  if (call.method === 'GET') return { body: 'ok' };
  return isEvent('open')(call) ? ok({ tags: { room: 'all', on: String(bodyOf(call)['path']).slice(1) } }) : { body: '' };
};

/** Three gateways on one engine of this kind, in front of one backend. */
export async function startCluster(t: Pick<TestContext, 'after'>, kind: EngineKind): Promise<Cluster> {
  const [engine, backend] = await Promise.all([startEngine(t, kind), startBackend(t, welcome)]);
  const routes = await routesFile(
    t,
    `routes:\n  - { path: /raw/:id, dialect: raw, backend: "${backend.url}" }\n  - { path: "/*", backend: "${backend.url}" }\n`,
  );
  const all: GatewayProcess[] = [];
  const start = async (name: string, env: Record<string, string> = {}): Promise<GatewayProcess> => {
    const gateway = await startGateway(t, {
      ROUTES_FILE: routes.path,
      CLUSTER_URL: engine.url,
      CLUSTER_NAME: 'e2e',
      CLUSTER_LEASE_MS: String(LEASE_MS),
      NODE_NAME: name,
      CLOSE_CONCURRENCY: '16',
      ...NODES[name],
      ...env,
    });
    all.push(gateway);
    return gateway;
  };
  const nodes = await Promise.all(Object.keys(NODES).map(async (name) => ({ name, gateway: await start(name), isUp: true })));
  return {
    engine,
    backend,
    nodes: nodes as unknown as Cluster['nodes'],
    takenForDead: () => all.flatMap(({ log }) => log.all).filter(({ msg }) => msg.startsWith('this process was taken for dead')).length,
    async restart(node, env) {
      node.gateway = await start(node.name, env);
      node.isUp = true;
    },
  };
}

/** So many guests at each node, by the node's name. */
export async function populate(t: Pick<TestContext, 'after'>, { backend, nodes }: Cluster, each: number): Promise<Map<string, Guest[]>> {
  const guests = new Map<string, Guest[]>();
  for (const { name, gateway } of nodes)
    guests.set(name, await Promise.all(Array.from({ length: each }, () => enter(t, { gateway, backend }))));
  return guests;
}

/** A command to one node. */
export function command({ gateway }: ClusterNode, path: string, options: Parameters<typeof ask>[1] = {}): ReturnType<typeof ask> {
  return ask(`${gateway.controlUrl}${path}`, options);
}

/** Asks until the answer fits: nobody tells when the nodes of a cluster agree. */
export async function until(question: () => Promise<Asked>, fits: (answer: Asked) => boolean, limitMs: number): Promise<Asked> {
  const giveUpAt = Date.now() + limitMs;
  for (;;) {
    const answer = await question();
    if (fits(answer)) return answer;
    if (Date.now() > giveUpAt) throw new Error(`no fitting answer within ${limitMs} ms, the last one was ${answer.status} ${answer.body}`);
    await sleep(20);
  }
}

export const isOk = ({ status }: Asked): boolean => status === 200;
export const isNotFound = ({ status }: Asked): boolean => status === 404;

export const connectionOf = ({ headers }: Call): string => String(headers['ws-connection']);
export const eventIdOf = ({ headers }: Call): string => String(headers['ws-event-id']);
export const idsOf = (guests: readonly Guest[]): string[] => guests.map(({ id }) => id).toSorted();

/** How often the end of each of these connections was told, those included that were told not at all. */
export function endsOf({ calls }: Backend, ids: Iterable<string>): Map<string, string[]> {
  const ends = new Map<string, string[]>([...ids].map((id) => [id, []]));
  for (const call of calls.all) if (isEvent('close')(call)) ends.get(connectionOf(call))?.push(eventIdOf(call));
  return ends;
}

import type { TestContext } from 'node:test';
import { startBackend, type Backend, type Handler } from './backend.ts';
import { startEngine, type EngineKind, type EngineServer } from './engine-server.ts';
import { startGateway, type GatewayProcess } from './gateway.ts';
import { ask } from './ask.ts';
import { enter, type Guest } from './guests.ts';

export type ClusterNode = { readonly name: string; readonly gateway: GatewayProcess; readonly guests: Guest[] };
export type Cluster = {
  readonly engine: EngineServer;
  readonly backend: Backend;
  readonly nodes: readonly [ClusterNode, ClusterNode, ClusterNode];
};

const NAMES = ['n1', 'n2', 'n3'] as const;

/** Short, so that a test sees its end; a process of this machine is never away for so long. */
export const LEASE_MS = 3_000;
/** A lease, a look at the others' by whoever is next, and the telling. */
export const DEATH_MS = LEASE_MS * 1.5 + 10_000;

/** The environment of one more node. */
export function nodeEnvironment({ url }: EngineServer, name: string): Record<string, string> {
  return { CLUSTER_URL: url, CLUSTER_NAME: 'e2e', CLUSTER_LEASE_MS: String(LEASE_MS), NODE_NAME: name };
}

/** Three gateways on one engine of this kind, in front of one backend. */
export async function startCluster(
  t: Pick<TestContext, 'after'>,
  kind: EngineKind,
  { handler, env }: { readonly handler?: Handler; readonly env?: (backend: Backend) => Promise<Record<string, string>> } = {},
): Promise<Cluster> {
  const [engine, backend] = await Promise.all([startEngine(t, kind), startBackend(t, handler)]);
  const own = (await env?.(backend)) ?? { API_URI: backend.url };
  const nodes = await Promise.all(
    NAMES.map(async (name) => ({ name, guests: [], gateway: await startGateway(t, { ...own, ...nodeEnvironment(engine, name) }) })),
  );
  return { engine, backend, nodes: nodes as unknown as Cluster['nodes'] };
}

/** So many guests more at each node. */
export async function populate(t: Pick<TestContext, 'after'>, { backend, nodes }: Cluster, each: number): Promise<void> {
  for (const { gateway, guests } of nodes) {
    guests.push(...(await Promise.all(Array.from({ length: each }, () => enter(t, { gateway, backend })))));
  }
}

/** A command to one node. */
export function command({ gateway }: ClusterNode, path: string, options: Parameters<typeof ask>[1] = {}): ReturnType<typeof ask> {
  return ask(`${gateway.controlUrl}${path}`, options);
}

// The gateways of the demo: one, or three that are joined by an engine.

import { startChild } from './child.mjs';

/** Short, so that one sees the ends of a killed node being told. */
const LEASE_MS = '3000';

/**
 * @param {{ main: string, count: number, env: Record<string, string>, ports: number[], engineUrl: string | undefined,
 *   onDeath: (name: string, story: string) => void }} options
 */
export async function startNodes({ main, count, env, ports, engineUrl, onDeath }) {
  const cluster = engineUrl === undefined ? {} : { CLUSTER_URL: engineUrl, CLUSTER_NAME: 'demo', CLUSTER_LEASE_MS: LEASE_MS };
  const living = new Map();
  const all = await Promise.all(
    Array.from({ length: count }, async (_none, index) => {
      const [name, port] = [count === 1 ? 'gateway' : `n${index + 1}`, ports[index]];
      const child = await startChild(name, main, {
        env: {
          ...env,
          ...cluster,
          PORT: String(port),
          ...(count > 1 && { NODE_NAME: name }),
          ...(port !== 0 && { WS_HOSTNAME: `127.0.0.1:${port}` }),
        },
        readiness: readGatewayLine,
        onDeath(story) {
          living.delete(name);
          onDeath(name, story);
        },
      });
      const node = { name, url: child.url, pid: child.pid, stop: () => child.stop() };
      living.set(name, node);
      return node;
    }),
  );
  return {
    all,
    /** Which node holds whom, as any of them tells it; none: nobody answers. */
    async holders() {
      for (const { url } of living.values()) {
        const answer = await fetch(`${url}/status`, { headers: { accept: 'application/json' } }).catch(() => null);
        if (answer?.ok) return (await answer.json()).connections.map(({ id, node, tags }) => ({ id, node, name: tags.name ?? id }));
      }
      return [];
    },
    /** Where to push to a client so that it goes over another node than its own. */
    other: (wsUri) => [...living.values()].find(({ url }) => !url.endsWith(`//${wsUri.split('/')[0]}`))?.url,
    stop: () => Promise.all(all.map(({ stop }) => stop())),
  };
}

/** The gateway logs JSON lines. Its start line says where it listens; its warnings are worth a look. */
function readGatewayLine(line) {
  if (!line.startsWith('{')) return undefined;
  const entry = JSON.parse(line);
  if (entry.level >= 40) process.stderr.write(`  gateway: ${line}\n`);
  return entry.msg === 'wsaas serves' ? entry.publicUrl : undefined;
}

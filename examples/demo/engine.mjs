// The engine that joins the gateways of `npm run demo -- --cluster`: one that runs already, else a Redis or a NATS of the demo's own.

import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startChild } from './child.mjs';

const OWN = [
  {
    scheme: 'redis',
    readiness: (line) => (line.includes('Ready to accept connections') ? 'ready' : undefined),
    command: (port, folder) => ['redis-server', '--port', port, '--bind', '127.0.0.1', '--dir', folder, '--save', ''],
  },
  {
    scheme: 'nats',
    readiness: (line) => (line.includes('Server is ready') ? 'ready' : undefined),
    command: (port, folder) => ['nats-server', '--addr', '127.0.0.1', '--port', port, '--jetstream', '--store_dir', folder],
  },
];

/**
 * @param {{ url: string | undefined, port: number, onDeath: (story: string) => void }} options `url` is CLUSTER_URL
 * @returns {Promise<{ url: string, stop: () => Promise<void> }>}
 */
export async function startEngine({ url, port, onDeath }) {
  if (url !== undefined) return { url, stop: () => Promise.resolve() };
  const own = OWN.find(({ command }) => spawnSync(command('0', '/')[0], ['--version']).status === 0);
  if (own === undefined)
    throw new Error(
      '--cluster needs an engine: install redis-server or nats-server, or name one that runs: CLUSTER_URL=redis://127.0.0.1:6379',
    );
  const folder = await mkdtemp(join(tmpdir(), 'wsaas-demo-'));
  const { PATH } = process.env;
  const child = await startChild(own.scheme, own.command(String(port), folder), { env: { PATH }, readiness: own.readiness, onDeath });
  return {
    url: `${own.scheme}://127.0.0.1:${port}`,
    async stop() {
      await child.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

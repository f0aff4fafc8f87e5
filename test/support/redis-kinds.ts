import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Certificate } from './certificate.ts';
import { startEngine, type EngineServer } from './engine-server.ts';

/** A Sentinel takes a primary for dead after this, and looks once a second who should follow it. */
const DOWN_MS = 500;

/** A Sentinel of its own that watches a Redis as `mymaster`. */
export function startSentinel(t: Pick<TestContext, 'after'>, primary: Pick<EngineServer, 'port'>): Promise<EngineServer> {
  return startEngine(t, 'redis', async (port, directory) => {
    const file = join(directory, 'sentinel.conf');
    const lines = [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${directory}`,
      `sentinel monitor mymaster 127.0.0.1 ${primary.port} 1`,
      `sentinel down-after-milliseconds mymaster ${DOWN_MS}`,
      'sentinel failover-timeout mymaster 3000',
    ];
    await writeFile(file, lines.join('\n'));
    return [file, '--sentinel'];
  });
}

/** Arguments of a Redis that speaks TLS and nothing else. */
export function speakingTls({ certFile, keyFile }: Certificate): (port: number) => readonly string[] {
  return (port) => {
    const files = ['--tls-cert-file', certFile, '--tls-key-file', keyFile];
    return ['--port', '0', '--tls-port', String(port), '--tls-auth-clients', 'no', ...files];
  };
}

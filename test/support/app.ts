import type { Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { pino } from 'pino';
import { createApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config/load.ts';
import { drain } from '../../src/core/drain.ts';
import { Arrivals } from './arrivals.ts';
import { STANDARD, startGateway, type Gateway, type LogLine } from './gateway.ts';

/** What a gateway in the process of the test has instead of a signal. */
export type AppGateway = Gateway & {
  /** Does what the program does on SIGTERM before it ends. */
  readonly drain: () => Promise<void>;
};

/**
 * A gateway in the process of the test, with these variables: a start costs a tenth of `startGateway`, which is for what only
 * a process has: signals, a crash, its output, several workers. At the end its sockets break off, as if it were killed.
 */
export async function startApp(t: Pick<TestContext, 'after'>, env: Record<string, string>): Promise<AppGateway> {
  const { config } = loadConfig({ ...STANDARD, ...env });
  const log = new Arrivals<LogLine>();
  const logger = pino({ level: config.LOG_LEVEL.toLowerCase() }, { write: (line) => log.add(JSON.parse(line) as LogLine) });
  const app = await createApp(config, logger, { node: config.NODE_NAME ?? 'app', link: null });
  const sockets = new Set<Socket>();
  for (const { server } of new Set([app.publicServer, app.controlServer])) server.on('connection', (socket) => sockets.add(socket));
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    await app.close();
  });
  const { publicUrl, controlUrl } = await app.listen();
  const { DRAIN_DELAY_MS: delayMs, DRAIN_MS: spreadMs } = config;
  return {
    wsUrl: publicUrl.replace('http', 'ws'),
    publicUrl,
    controlUrl,
    log,
    drain: () => drain({ gateway: app.gateway, log: app.log, signal: 'SIGTERM', delayMs, spreadMs, shut: app.close }),
  };
}

/** One process that serves is the test's own; several are the emitted program's. */
export function startServing(t: Pick<TestContext, 'after'>, env: Record<string, string>): Promise<Gateway> {
  return (env['WORKERS'] ?? '1') === '1' ? startApp(t, env) : startGateway(t, env);
}

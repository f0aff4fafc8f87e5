#!/usr/bin/env node
import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import closeWithGrace, { type Options as CloseWithGraceOptions } from 'close-with-grace';
import { pino, type Logger } from 'pino';
import { createApp, type App } from './app.ts';
import { ConfigError, EXIT_BAD_CONFIG, loadConfig, type Config, type ConfigReport } from './config/load.ts';
import { drain, DRAIN_MARGIN_MS } from './core/drain.ts';
import { EngineRefused } from './engines/index.ts';
import { linkTo } from './engines/processes/link.ts';
import { readRoutesFile, RoutesFileError } from './routes/file.ts';
import { supervise, WORKER_VARIABLE, type Notice } from './engines/processes/supervisor.ts';
import { VERSION } from './config/version.ts';

const report = await read();
if (process.argv.includes('--check-config')) {
  for (const [name, value] of Object.entries(report.effective)) process.stdout.write(`${name}=${value}\n`);
  for (const warning of report.warnings) process.stderr.write(`warning: ${warning}\n`);
} else {
  await serve(report);
}

async function read(): Promise<ConfigReport> {
  try {
    const checked = loadConfig(process.env, { dotenv: true });
    if (checked.config.ROUTES_FILE !== undefined) await readRoutesFile(checked.config.ROUTES_FILE);
    return checked;
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof RoutesFileError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(EXIT_BAD_CONFIG);
  }
}

async function serve({ config, warnings }: ConfigReport): Promise<void> {
  const worker = process.env[WORKER_VARIABLE];
  const base = { pid: process.pid, ...(worker !== undefined && { worker: Number(worker) }) };
  const logger = pino({ level: config.LOG_LEVEL.toLowerCase(), base });
  if (worker !== undefined) {
    await serveClients(config, logger, Number(worker));
    return;
  }
  for (const warning of warnings) logger.warn({}, warning);
  if (config.WORKERS === 1) await serveClients(config, logger, null);
  else
    await supervise({
      workers: config.WORKERS,
      host: config.HOST,
      port: config.PORT,
      controlHost: config.CONTROL_HOST ?? config.HOST,
      controlPort: config.CONTROL_PORT,
      busTimeoutMs: config.BUS_TIMEOUT_MS,
      drainLimitMs: config.DRAIN_DELAY_MS + config.DRAIN_MS + DRAIN_MARGIN_MS,
      node: config.NODE_NAME ?? randomName(),
      logger,
      program: process.argv[1] ?? '',
      env: process.env,
    });
}

async function serveClients(config: Config, logger: Logger, worker: number | null): Promise<void> {
  const app = await create(config, logger, worker);
  // a second signal ends at once; a worker leaves Ctrl-C, which reaches the whole group, to its supervisor
  const skip = worker === null ? ['SIGHUP', 'SIGUSR2'] : ['SIGHUP', 'SIGUSR2', 'SIGINT'];
  const { close } = closeWithGrace({ delay: false, logger: false, skip } as CloseWithGraceOptions, async ({ err, signal }) => {
    if (err) logger.fatal({ err }, 'a fault of the gateway, it ends');
    const { gateway, log, close: shut } = app;
    const { DRAIN_DELAY_MS: delayMs, DRAIN_MS: spreadMs } = config;
    await drain({ gateway, log, signal: signal ?? (err ? 'fault' : 'supervisor'), delayMs, spreadMs, shut });
  });
  const reload = (): void => {
    void app
      .reloadRoutes()
      .catch((error: unknown) => String(error))
      .then((problem) => {
        if (problem === null) logger.info({}, 'routes were read again');
        else logger.error({ problem }, 'routes stay as they were');
      });
  };
  process.on('SIGHUP', reload);
  if (worker !== null) obeySupervisor(close, reload);

  const urls = await app.listen();
  const facts = { version: VERSION, ...app.facts, cores: availableParallelism(), ...urls };
  if (worker === null) logger.info(facts, 'wsaas serves');
  else process.send?.({ notice: 'ready', facts } satisfies Notice);
}

async function create(config: Config, logger: Logger, worker: number | null): Promise<App> {
  try {
    return await createApp(config, logger, { node: config.NODE_NAME ?? randomName(), link: worker === null ? null : linkTo(process) });
  } catch (error) {
    if (!(error instanceof EngineRefused)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(EXIT_BAD_CONFIG);
  }
}

function obeySupervisor(close: () => unknown, reload: () => void): void {
  process.on('SIGINT', () => {});
  process.on('message', (message) => {
    const { notice } = message as Partial<Notice>;
    if (notice === 'drain') close();
    if (notice === 'reload') reload();
  });
  process.on('disconnect', () => close()); // the supervisor died, nobody would replace or drain this process
}

function randomName(): string {
  return randomBytes(4).toString('hex');
}

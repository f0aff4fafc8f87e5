#!/usr/bin/env node
import { availableParallelism } from 'node:os';
import closeWithGrace from 'close-with-grace';
import { pino } from 'pino';
import { createApp } from './app.ts';
import { ConfigError, EXIT_BAD_CONFIG, loadConfig, type ConfigReport } from './config.ts';
import { drain } from './drain.ts';
import { VERSION } from './version.ts';

const report = read();
if (process.argv.includes('--check-config')) {
  for (const [name, value] of Object.entries(report.effective)) process.stdout.write(`${name}=${value}\n`);
  for (const warning of report.warnings) process.stderr.write(`warning: ${warning}\n`);
} else {
  await serve(report);
}

function read(): ConfigReport {
  try {
    return loadConfig(process.env, { dotenv: true });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(EXIT_BAD_CONFIG);
  }
}

async function serve({ config, warnings }: ConfigReport): Promise<void> {
  const logger = pino({ level: config.LOG_LEVEL.toLowerCase(), base: { pid: process.pid } });
  for (const warning of warnings) logger.warn({}, warning);
  const app = await createApp(config, logger);
  const { publicUrl, controlUrl } = await app.listen();
  logger.info({ version: VERSION, ...app.facts, cores: availableParallelism(), publicUrl, controlUrl }, 'wsaas serves');
  // a second signal ends at once: close-with-grace exits on it
  closeWithGrace({ delay: false, logger: false }, async ({ err, signal }) => {
    if (err) logger.fatal({ err }, 'a fault of the gateway, it ends');
    await drain(app, config, logger, signal ?? 'fault');
  });
}

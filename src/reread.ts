import type { Logger } from 'pino';
import type { App } from './app.ts';
import { LIMIT_OPTIONS, limitsOf, LIVE_LIMITS } from './config/limits.ts';
import { ConfigError, loadConfig, type Config } from './config/load.ts';

/** What SIGHUP asks for: files of secrets are looked at, `.env` is read for the limits that may change, and the routes file. A mistake changes nothing and is told. */
export async function reread(app: App, config: Config, logger: Logger): Promise<void> {
  void app.rereadFiles();
  try {
    await rereadLimits(app, logger);
    if (config.ROUTES_FILE === undefined) return;
    const problem = await app.reloadRoutes();
    if (problem === null) logger.info({}, 'routes were read again');
    else logger.error({ problem }, 'routes stay as they were');
  } catch (error) {
    logger.error({ err: error }, 'what SIGHUP asked for could not be done');
  }
}

async function rereadLimits(app: App, logger: Logger): Promise<void> {
  try {
    const before = app.limits();
    const read = limitsOf(loadConfig(undefined, { dotenv: true }).config);
    const changed = LIVE_LIMITS.filter((name) => read[name] !== before[name]);
    if (changed.length === 0) return;
    await app.relimit(Object.fromEntries(changed.map((name) => [name, read[name]])));
    const told = changed.map((name) => [LIMIT_OPTIONS[name], { was: before[name], is: read[name] }]);
    logger.info({ changed: Object.fromEntries(told) as object }, 'limits were read again');
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    logger.error({ problems: error.problems }, 'limits stay as they were');
  }
}

import { createApp, type App } from '../app.ts';
import { ConfigError } from '../config/config-error.ts';
import { randomName } from '../core/ids.ts';
import type { HostedGateway } from '../library/hosted-gateway.ts';
import type { Hosting } from '../library/reading.ts';
import { hostLogger, type HostLog } from '../logs/host-logger.ts';
import { RoutesFileError } from '../routes/file.ts';
import { HostedLife } from './life.ts';

/** An app in somebody else's process. */
export type HostedApp = App & { readonly hosted: HostedGateway };

/** Throws a ConfigError for what is wrong with the routes' backends, and what a factory of handlers throws. */
export async function openHosted({ config, routes }: Hosting, log: HostLog | undefined): Promise<HostedApp> {
  const logger = hostLogger({ level: config.LOG_LEVEL.toLowerCase(), format: config.LOG_FORMAT, log });
  try {
    const app = await createApp(config, logger, { node: config.NODE_NAME ?? randomName(), link: null, routes });
    const { hosted } = app;
    if (hosted === null) throw new TypeError('an app with a host has room for its code'); // app.ts opens it where routes are given
    hosted.lives(new HostedLife(app, config));
    return { ...app, hosted };
  } catch (error) {
    throw error instanceof RoutesFileError ? new ConfigError(error.problems) : error;
  }
}

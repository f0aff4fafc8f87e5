import type { Logger } from 'pino';
import { createApp, type App, type AppOptions } from '../app.ts';
import { ConfigError } from '../config/config-error.ts';
import { randomName } from '../core/ids.ts';
import type { HostedGateway } from '../library/hosted-gateway.ts';
import type { Hosting } from '../library/reading.ts';
import { RoutesFileError } from '../routes/file.ts';

/** An app in somebody else's process. */
export type HostedApp = App & { readonly hosted: HostedGateway };

/** Throws a ConfigError for what is wrong with the routes' backends, and what a factory of handlers throws. */
export async function openHosted(
  { config, routes }: Hosting,
  logger: Logger,
  { mountedAt }: Pick<AppOptions, 'mountedAt'> = {},
): Promise<HostedApp> {
  const node = config.NODE_NAME ?? randomName();
  try {
    const app = await createApp(config, logger, { node, link: null, routes, ...(mountedAt !== undefined && { mountedAt }) });
    const { hosted } = app;
    if (hosted === null) throw new TypeError('an app with a host has room for its code'); // app.ts opens it where routes are given
    return { ...app, hosted };
  } catch (error) {
    throw error instanceof RoutesFileError ? new ConfigError(error.problems) : error;
  }
}

import { openHosted } from './app/hosted-app.ts';
import { HostedLife } from './app/life.ts';
import { hostLogger } from './logs/host-logger.ts';
import type { Gateway, GatewayOptions } from './library/surface.ts';
import { readHosting } from './library/reading.ts';

export { ConfigError } from './config/config-error.ts';
export type { Admission, Client, Handlers, Handshake, SendOptions, Sent, Tags } from './backends/handlers/handlers.ts';
export type {
  CloseAllOptions,
  Extension,
  Gateway,
  GatewayLimits,
  GatewayLogger,
  GatewayOptions,
  GatewayRoute,
  HandlersFactory,
  Observers,
  SelectionSent,
  Selector,
  SimulateOptions,
  Simulation,
} from './library/surface.ts';

/**
 * A gateway in this process (docs/library.md). It does not listen yet. Rejects with a ConfigError that lists every mistake
 * of the options and routes, and with what a handlers factory throws. It sets no signal or fault handlers: to end, call `close`.
 */
export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  const hosting = readHosting(options);
  const { LOG_LEVEL: level, LOG_FORMAT: format } = hosting.config;
  const app = await openHosted(hosting, hostLogger({ level: level.toLowerCase(), format, log: options.logger }));
  app.hosted.lives(new HostedLife(app, hosting.config));
  return app.hosted;
}

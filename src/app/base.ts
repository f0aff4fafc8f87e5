import type { Logger } from 'pino';
import type { Config } from '../config/load.ts';
import type { Log } from '../core/ports.ts';
import type { Dialects } from '../dialects/definition.ts';
import type { ReadinessCheck } from '../edge/control/health.ts';
import type { GivenRoutes } from '../routes/routing.ts';
import type { Link } from '../engines/processes/link.ts';
import type { AroundFunction } from '../wire/functions.ts';

/** What every step of putting the parts together may use. */
export type Base = {
  readonly node: string;
  readonly link: Link | null;
  readonly dialects: Dialects;
  readonly checks: readonly ReadinessCheck[];
  /** Of a host, in place of API_URI and ROUTES_FILE; else null. */
  readonly routes: GivenRoutes | null;
  /** The path of the control API within the server of an application; null: this process has servers of its own. */
  readonly mountedAt: string | null;
  readonly config: Config;
  readonly logger: Logger;
  readonly log: Log;
  readonly aroundFunction: AroundFunction | undefined;
};

export function logOf(logger: Logger): Log {
  return {
    error: (facts, message) => logger.error(facts, message),
    warn: (facts, message) => logger.warn(facts, message),
    info: (facts, message) => logger.info(facts, message),
    debug: (facts, message) => logger.debug(facts, message),
    isDebugging: logger.isLevelEnabled('debug'),
  };
}

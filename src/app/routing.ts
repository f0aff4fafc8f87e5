import { limitsOf } from '../config/limits.ts';
import type { Config } from '../config/load.ts';
import type { Dialects } from '../dialects/definition.ts';
import { createRouting, type Routing } from '../routes/routing.ts';
import type { RouteDefaults } from '../routes/table.ts';
import { TokenVerifiers } from '../routes/token-gates.ts';
import type { Base } from './base.ts';
import type { Surroundings } from './surroundings.ts';

export function openRouting({ config, dialects, routes }: Base, { backends, wsUris, hosting }: Surroundings): Promise<Routing> {
  return createRouting({
    file: config.ROUTES_FILE,
    given: routes,
    backend: config.API_URI?.href ?? '',
    defaults: defaultsOf(config, dialects),
    dialects,
    isEncrypted: config.TLS_CERT_FILE !== undefined,
    wsUris: wsUris.under,
    serve: async (spoken) => ({ companion: hosting.companion, ...(await backends.serve(spoken)) }),
  });
}

function defaultsOf(config: Config, dialects: Dialects): RouteDefaults {
  const values = config as unknown as Readonly<Record<string, unknown>>;
  const names = Object.values(dialects).flatMap(({ options }) => Object.keys(options));
  return {
    limits: limitsOf(config),
    backendHeaders: config.BACKEND_HEADERS,
    origins: config.ORIGINS,
    forwardHeaders: config.FORWARD_HEADERS,
    refuseWith: config.REFUSE_WITH,
    tokens: {
      jwksUri: config.JWT_JWKS_URI ?? null,
      issuers: config.JWT_ISSUER,
      audiences: config.JWT_AUDIENCE,
      claimTags: config.JWT_CLAIM_TAGS,
      verifiers: new TokenVerifiers(),
    },
    dialectOptions: Object.fromEntries(names.map((name) => [name, values[name]])),
  };
}

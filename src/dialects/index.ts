import type { DialectDefinition } from './definition.ts';
import { aws } from './aws/index.ts';
import { ocpp } from './ocpp/index.ts';
import { raw } from './raw/index.ts';
import { stream } from './stream/index.ts';
import { wsaas } from './wsaas/index.ts';

/** The registry: one line a dialect. The first is the default. */
export const DIALECTS = {
  wsaas,
  raw,
  ocpp,
  aws,
  stream,
} as const satisfies Record<string, DialectDefinition>;

export const DEFAULT_DIALECT = 'wsaas';

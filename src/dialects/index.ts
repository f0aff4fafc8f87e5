import type { ConversationalDialect } from '../core/conversation.ts';
import type { Entry, EntryRequest } from '../wire/entry.ts';
import { chooseSubprotocol } from '../wire/entry.ts';
import type { EventHeaderOptions } from '../wire/event-headers.ts';
import type { Refusal } from '../core/events.ts';
import type { Limits } from '../core/limits.ts';
import type { Dialect } from '../core/ports.ts';
import { enterOcpp, OcppDialect } from './ocpp/index.ts';
import { enterRaw, RawDialect } from './raw/index.ts';
import { WsaasDialect } from './wsaas/index.ts';

/** What any dialect is made of; each takes what it needs. */
export type DialectOptions = EventHeaderOptions & {
  /** Path and query of the backend's URL. */
  readonly backendPath: string;
  readonly limits: Limits;
  readonly reply: boolean;
  readonly subprotocols: readonly string[];
  readonly ocppCallTimeoutMs: number;
  readonly ocppQueue: number;
  readonly noSubprotocol: 'refuse' | 'close';
};

export type DialectParts = {
  readonly dialect: Dialect | ConversationalDialect;
  /** What is settled before the backend is asked. */
  readonly enter: (request: EntryRequest) => Entry | Refusal;
};

type DialectEntry = {
  readonly create: (options: DialectOptions) => DialectParts;
  /** Do clients choose their ids? Then there is one route of this dialect: its control paths are the ids'. */
  readonly hasClientIds: boolean;
};

/** The registry: one line a dialect. */
export const DIALECTS = {
  wsaas: {
    hasClientIds: false,
    create: (options) => ({ dialect: new WsaasDialect(options), enter: withSubprotocol(options.subprotocols) }),
  },
  raw: {
    hasClientIds: true,
    create: (options) => ({
      dialect: new RawDialect(options),
      enter: enterRaw,
    }),
  },
  ocpp: {
    hasClientIds: true,
    create: (options) => ({
      dialect: new OcppDialect({ ...options, callTimeoutMs: options.ocppCallTimeoutMs, queuedCalls: options.ocppQueue }),
      enter: enterOcpp(options),
    }),
  },
} as const satisfies Record<string, DialectEntry>;

export type DialectName = keyof typeof DIALECTS;

function withSubprotocol(accepted: readonly string[]): DialectParts['enter'] {
  return ({ subprotocols }) => {
    const subprotocol = chooseSubprotocol(accepted, subprotocols);
    return typeof subprotocol === 'object' && subprotocol !== null ? subprotocol : { clientId: null, subprotocol };
  };
}

import type { Entry, EntryRequest } from '../wire/entry.ts';
import { chooseSubprotocol } from '../wire/entry.ts';
import type { EventHeaderOptions } from '../wire/event-headers.ts';
import type { Refusal } from '../core/events.ts';
import type { Limits } from '../core/limits.ts';
import type { Speech } from '../wire/codec.ts';
import { enterOcpp, speakOcpp } from './ocpp/index.ts';
import { enterRaw, RawCodec } from './raw/index.ts';
import { WsaasCodec } from './wsaas/index.ts';

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

/** A dialect on one route. */
export type DialectOnRoute = {
  readonly speech: Speech;
  /** What is settled before the backend is asked. */
  readonly enter: (request: EntryRequest) => Entry | Refusal;
};

type DialectEntry = {
  readonly create: (options: DialectOptions) => DialectOnRoute;
  /** Do clients choose their ids? Then there is one route of this dialect: its control paths are the ids'. */
  readonly hasClientIds: boolean;
};

/** The registry: one line a dialect. */
export const DIALECTS = {
  wsaas: {
    hasClientIds: false,
    create: (options) => ({ speech: { codec: new WsaasCodec(options), intake: null }, enter: withSubprotocol(options.subprotocols) }),
  },
  raw: { hasClientIds: true, create: (options) => ({ speech: { codec: new RawCodec(options), intake: null }, enter: enterRaw }) },
  ocpp: {
    hasClientIds: true,
    create: (options) => ({
      speech: speakOcpp({ ...options, callTimeoutMs: options.ocppCallTimeoutMs, queuedCalls: options.ocppQueue }),
      enter: enterOcpp(options),
    }),
  },
} as const satisfies Record<string, DialectEntry>;

export type DialectName = keyof typeof DIALECTS;

function withSubprotocol(accepted: readonly string[]): DialectOnRoute['enter'] {
  return ({ subprotocols }) => {
    const subprotocol = chooseSubprotocol(accepted, subprotocols);
    return typeof subprotocol === 'object' && subprotocol !== null ? subprotocol : { clientId: null, subprotocol };
  };
}

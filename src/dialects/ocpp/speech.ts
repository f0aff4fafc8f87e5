import type { HttpSpeech } from '../../wire/codec.ts';
import { OcppHttp, type OcppHttpOptions } from './http.ts';
import { createOcppIntakes } from './intake.ts';
import { OcppLifeCodec } from './life-codec.ts';
import type { Limits } from '../../core/limits.ts';
import type { Rules } from './state.ts';
import { versionOf } from './versions.ts';

export type OcppSpeech = Extract<HttpSpeech, { readonly intake: (...args: never) => unknown }>;

/** OCPP over HTTP: calls and answers both ways, so the intake is its own and is given the transport itself. */
export function speakOcpp(options: OcppHttpOptions & RulesOptions): OcppSpeech {
  const http = new OcppHttp(options);
  const rulesOf = rulesByVersion(options);
  return { type: 'http', codec: new OcppLifeCodec(http), intake: (transport) => createOcppIntakes({ http, transport, rulesOf }) };
}

export type RulesOptions = {
  readonly limits: Limits;
  readonly callTimeoutMs: number;
  /** Calls of the backend that may wait for their turn, per connection. */
  readonly queuedCalls: number;
};

/** The rules for the clients of each version on one route: one object for all clients of a version. */
export function rulesByVersion({ limits, callTimeoutMs, queuedCalls }: RulesOptions): (subprotocol: string | null) => Rules {
  const known = new Map<string, Rules>();
  return (subprotocol) => {
    const version = versionOf(subprotocol);
    if (version === null) throw new Error(`an OCPP client needs a subprotocol of OCPP, not ${subprotocol ?? 'none'}`);
    let rules = known.get(version.subprotocol);
    if (rules === undefined) {
      rules = {
        version,
        callTimeoutMs,
        queuedCalls,
        queuedBytes: limits.sendBufferBytes,
        heldMessages: limits.inboxMessages,
        heldBytes: limits.inboxBytes,
        retryForMs: limits.backendRetryForMs,
        maxMessageBytes: limits.maxMessageBytes,
      };
      known.set(version.subprotocol, rules);
    }
    return rules;
  };
}

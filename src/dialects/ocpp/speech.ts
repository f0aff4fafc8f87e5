import type { Speech } from '../../wire/codec.ts';
import { OcppHttp, type OcppHttpOptions } from './http.ts';
import { createOcppIntakes } from './intake.ts';
import { OcppLifeCodec } from './life-codec.ts';
import { rulesByVersion, type RulesOptions } from './rules.ts';

export type OcppSpeech = Extract<Speech, { readonly intake: (...args: never) => unknown }>;

/** OCPP over HTTP: calls and answers both ways, so the intake is its own and is given the transport itself. */
export function speakOcpp(options: OcppHttpOptions & RulesOptions): OcppSpeech {
  const http = new OcppHttp(options);
  const rulesOf = rulesByVersion(options);
  return { codec: new OcppLifeCodec(http), intake: (transport) => createOcppIntakes({ http, transport, rulesOf }) };
}

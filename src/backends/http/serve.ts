import { createInboxes } from '../../core/inbox.ts';
import type { IntakeFactory } from '../../core/intake.ts';
import type { Limits } from '../../core/limits.ts';
import type { Speech } from '../../wire/codec.ts';
import { HttpBackend, HttpLifeBackend, type HttpBackendOptions, type LifeBackend } from './backend.ts';

export type ServeOptions = Omit<HttpBackendOptions<never>, 'codec'> & { readonly limits: Limits };

/** What a route needs of a backend that is reached over HTTP. */
export function serveOverHttp(speech: Speech, options: ServeOptions): { readonly backend: LifeBackend; readonly intake: IntakeFactory } {
  const { transport, clock, log, limits } = options;
  if (speech.intake !== null) {
    return { backend: new HttpLifeBackend({ codec: speech.codec, transport, clock, log }), intake: speech.intake(transport) };
  }
  const backend = new HttpBackend({ codec: speech.codec, transport, clock, log });
  return { backend, intake: createInboxes({ backend, limits }) };
}

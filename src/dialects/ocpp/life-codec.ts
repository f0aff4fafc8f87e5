import type { BackendCall, BackendResult } from '../../wire/calls.ts';
import type { LifeCodec } from '../../wire/codec.ts';
import type { CloseEvent, CloseVerdict, OpenEvent, OpenVerdict } from '../../core/events.ts';
import { closeVerdict, readSetTags, refused, refusedBy, unanswered } from '../../wire/verdicts.ts';
import { unusable } from '../../core/refusals.ts';
import { BASIC_CHALLENGE } from './entry.ts';
import type { OcppHttp } from './http.ts';

/** How OCPP's clients come and go (docs/dialects/ocpp.md#what-your-backend-is-asked). What they say between is for `intake.ts`. */
export class OcppLifeCodec implements LifeCodec {
  readonly #http: OcppHttp;

  constructor(http: OcppHttp) {
    this.#http = http;
  }

  encodeOpen(event: OpenEvent): BackendCall {
    return this.#http.connect(event);
  }

  decodeOpen(event: OpenEvent, result: BackendResult): OpenVerdict {
    if (result.type === 'failure') return unanswered(result);
    const { status } = result;
    if (status >= 200 && status < 300) {
      const tags = readSetTags(result.headers);
      if (typeof tags === 'string') return unusable(tags);
      return {
        type: 'accepted',
        tags: tags === null ? null : new Map(tags),
        data: null,
        subprotocol: event.request.subprotocol,
        message: null,
        headers: [],
      };
    }
    if (status === 401)
      return { ...refusedBy(result, 'UNAUTHORIZED', BASIC_CHALLENGE), message: 'the backend did not accept the credentials' };
    if (status === 404) return refused(404, 'NOT_FOUND', 'the backend does not know this identity');
    if (status >= 400 && status < 500) return refusedBy(result, 'REFUSED');
    return refused(502, 'BAD_GATEWAY', `the backend answered ${status}`);
  }

  encodeClose(event: CloseEvent): BackendCall {
    return this.#http.disconnect(event);
  }

  decodeClose(_event: CloseEvent, result: BackendResult): CloseVerdict {
    return closeVerdict(result);
  }
}

import type { BackendCall, BackendResult } from '../../wire/calls.ts';
import type { LifeCodec } from '../../wire/codec.ts';
import type { CloseEvent, CloseVerdict, OpenEvent, OpenVerdict } from '../../core/events.ts';
import { closeVerdict, readSetTags, refused, unanswered } from '../../wire/verdicts.ts';
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
      return {
        type: 'accepted',
        tags: tags === null ? null : new Map(tags),
        data: null,
        subprotocol: event.request.subprotocol,
        message: null,
        headers: [],
      };
    }
    if (status === 401) {
      const challenge = result.headers['www-authenticate'];
      return {
        ...refused(401, 'UNAUTHORIZED', 'the backend did not accept the credentials'),
        headers: { 'WWW-Authenticate': typeof challenge === 'string' ? challenge : BASIC_CHALLENGE },
      };
    }
    if (status === 404) return refused(404, 'NOT_FOUND', 'the backend does not know this identity');
    if (status >= 400 && status < 500) return refused(status, 'REFUSED', `the backend refused this client with ${status}`);
    return refused(502, 'BAD_GATEWAY', `the backend answered ${status}`);
  }

  encodeClose(event: CloseEvent): BackendCall {
    return this.#http.disconnect(event);
  }

  decodeClose(_event: CloseEvent, result: BackendResult): CloseVerdict {
    return closeVerdict(result);
  }
}

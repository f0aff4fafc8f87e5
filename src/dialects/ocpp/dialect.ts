import type { BackendCall, BackendResult } from '../../wire/calls.ts';
import type { Conversation, ConversationalDialect, ConversationHost } from '../../core/conversation.ts';
import { type CloseEvent, type CloseVerdict, type OpenEvent, type OpenVerdict } from '../../core/events.ts';
import { readSetTags } from '../../wire/set-tags.ts';
import { closeVerdict, refused, unanswered } from '../../wire/verdicts.ts';
import { OcppConversation } from './conversation.ts';
import { BASIC_CHALLENGE } from './entry.ts';
import { OcppHttp, type OcppHttpOptions } from './http.ts';
import type { Rules } from './state.ts';
import { versionOf } from './versions.ts';

export type OcppOptions = OcppHttpOptions & {
  /** Calls of the backend that may wait for their turn, per connection. */
  readonly queuedCalls: number;
};

/** CONTRACT §6. */
export class OcppDialect implements ConversationalDialect {
  readonly name = 'ocpp';
  readonly #options: OcppOptions;
  readonly #http: OcppHttp;
  readonly #rules = new Map<string, Rules>();

  constructor(options: OcppOptions) {
    this.#options = options;
    this.#http = new OcppHttp(options);
  }

  converse(host: ConversationHost): Conversation {
    return new OcppConversation({ host, http: this.#http, rules: this.#rulesOf(host.subprotocol) });
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

  #rulesOf(subprotocol: string | null): Rules {
    const version = versionOf(subprotocol);
    if (version === null) throw new Error(`an OCPP conversation needs a subprotocol of OCPP, not ${subprotocol ?? 'none'}`);
    const known = this.#rules.get(version.subprotocol);
    if (known !== undefined) return known;
    const { limits, callTimeoutMs, queuedCalls } = this.#options;
    const rules: Rules = {
      version,
      callTimeoutMs,
      queuedCalls,
      queuedBytes: limits.sendBufferBytes,
      heldMessages: limits.inboxMessages,
      heldBytes: limits.inboxBytes,
      retryForMs: limits.backendRetryForMs,
      maxMessageBytes: limits.maxMessageBytes,
    };
    this.#rules.set(version.subprotocol, rules);
    return rules;
  }
}

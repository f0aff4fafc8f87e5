import type { OpenEvent, Refusal } from '../../../core/events.ts';
import type { Clock } from '../../../core/ports.ts';
import type { FunctionCall, FunctionResult, FunctionTarget } from '../../../wire/functions.ts';
import { encodedId } from '../../../wire/ws-uris.ts';
import type { AwsApi } from '../api.ts';
import type { Allowed, Authorizer } from '../authorization.ts';
import { Events } from '../events.ts';
import { openEventId } from '../refusing.ts';
import { requestIdsOf } from '../request-ids.ts';
import { judgeResult } from './answer.ts';
import { type IdentitySource, readIdentitySource } from './identity.ts';
import { forbidden, unauthorized, undecided } from './refusing.ts';

/** An error with its stack is longer than a result may be. */
const MAX_ANSWER_BYTES = 65_536;
/** There is no account here, and no region of AWS. */
const ARN_OF_NOWHERE = 'arn:aws:execute-api:us-east-1:000000000000';

/** What a policy must allow, so that a client may connect. */
export function methodArnOf({ apiId, stage }: Pick<AwsApi, 'apiId' | 'stage'>): string {
  return `${ARN_OF_NOWHERE}:${apiId}/${stage}/$connect`;
}

/** A function of the user's decides (REQUEST), by a policy or by `isAuthorized`. It is asked for each client, and nothing is remembered. */
export class FunctionAuthorizer implements Authorizer {
  readonly #api: AwsApi;
  readonly #target: FunctionTarget;
  readonly #clock: Clock;
  readonly #events: Events;
  readonly #sources: readonly IdentitySource[];

  constructor(api: AwsApi, target: FunctionTarget, clock: Clock) {
    this.#api = api;
    this.#target = target;
    this.#clock = clock;
    this.#events = new Events(api);
    this.#sources = (api.authorizer?.identitySource ?? []).map((written) => readIdentitySource(written, api));
  }

  async authorize(event: OpenEvent, waitUntil: number): Promise<Allowed | Refusal> {
    if (this.#sources.some((source) => source(event) === '')) return unauthorized(event);
    const methodArn = methodArnOf(this.#api);
    const beganAt = this.#clock.now();
    const judged = judgeResult(await this.#asked(this.#call(event, methodArn), waitUntil), methodArn);
    switch (judged.type) {
      case 'allowed': {
        const { principalId, context } = judged;
        return { type: 'allowed', principalId, context, latencyMs: Math.round(this.#clock.now() - beganAt), expiresAt: null };
      }
      case 'refused':
        return judged.status === 401 ? unauthorized(event) : forbidden(event);
      case 'failed':
        return undecided(event, judged.status, { reason: judged.reason, because: judged.because });
    }
  }

  #call(event: OpenEvent, methodArn: string): FunctionCall {
    const { party } = event;
    const eventId = openEventId(party.key);
    const ids = requestIdsOf(eventId);
    return {
      kind: 'authorize',
      payload: this.#events.authorize(event, ids, methodArn),
      timeoutMs: this.#api.authorizerTimeoutMs,
      maxAnswerBytes: MAX_ANSWER_BYTES,
      connectionId: party.id,
      requestId: ids.requestId,
      headers: ['ws-connection', encodedId(party.id), 'ws-event', 'authorize', 'ws-event-id', `${eventId}.authorize`],
    };
  }

  #asked(call: FunctionCall, waitUntil: number): Promise<FunctionResult> {
    return new Promise((resolve) => this.#target.invoke(call, { settled: resolve }, waitUntil));
  }
}

import type { Clock, Receiver } from '../core/ports.ts';
import type { FunctionCall, FunctionResult, FunctionTarget } from '../wire/functions.ts';

/** One run of a function, for whoever develops it. */
export type Ran = {
  /** Epoch ms. */
  readonly at: number;
  readonly routeKey: string;
  readonly connectionId: string;
  readonly durationMs: number;
  /** A status, `Allow`, `Deny`, or what went wrong. */
  readonly result: string;
  readonly isError: boolean;
  /** The event as the function got it, and what it returned: JSON text. */
  readonly event: string;
  readonly answer: string;
};

export type Watcher = { readonly clock: Clock; readonly now: () => number; readonly ran: (ran: Ran) => void };

/** Tells of every run of a function. */
export class WatchedTarget implements FunctionTarget {
  readonly #target: FunctionTarget;
  readonly #watcher: Watcher;

  constructor(target: FunctionTarget, watcher: Watcher) {
    this.#target = target;
    this.#watcher = watcher;
  }

  invoke(call: FunctionCall, receiver: Receiver<FunctionResult>, waitUntil: number): void {
    const { clock, now, ran } = this.#watcher;
    const at = now();
    const start = clock.now();
    const settled = (result: FunctionResult): void => {
      ran({ at, ...eventOf(call), durationMs: clock.now() - start, ...outcomeOf(result), event: call.payload });
      receiver.settled(result);
    };
    this.#target.invoke(call, { settled }, waitUntil);
  }

  stop(): Promise<void> {
    return this.#target.stop();
  }

  reload(): void {
    this.#target.reload?.();
  }
}

function eventOf({ kind, payload, connectionId }: FunctionCall): { readonly routeKey: string; readonly connectionId: string } {
  if (kind === 'authorize') return { routeKey: 'authorizer', connectionId };
  const { requestContext } = JSON.parse(payload) as { readonly requestContext?: { readonly routeKey?: unknown } };
  const routeKey = requestContext?.routeKey;
  return { routeKey: typeof routeKey === 'string' ? routeKey : kind, connectionId };
}

type Outcome = Pick<Ran, 'result' | 'isError' | 'answer'>;

function outcomeOf(result: FunctionResult): Outcome {
  switch (result.type) {
    case 'returned':
      return returnedOutcome(result.payload.toString());
    case 'answered': {
      const { status, body } = result.answer;
      return { result: String(status), isError: status >= 500, answer: body.toString() };
    }
    case 'threw':
      return { result: `threw ${result.errorType}: ${result.message}`, isError: true, answer: '' };
    case 'failure':
      return { result: `${result.reason}: ${result.detail}`, isError: true, answer: '' };
  }
}

function returnedOutcome(answer: string): Outcome {
  const value = parsed(answer);
  if (value === undefined) return { result: 'returned no JSON', isError: true, answer };
  const { statusCode, policyDocument, isAuthorized } = Object(value) as Readonly<Record<string, unknown>>;
  if (statusCode !== undefined)
    return { result: typeof statusCode === 'string' ? statusCode : JSON.stringify(statusCode), isError: Number(statusCode) >= 500, answer };
  const effects = [...JSON.stringify(policyDocument ?? '').matchAll(/"Effect":"(Allow|Deny)"/g)].map(([, effect]) => effect);
  if (effects.length > 0) return { result: [...new Set(effects)].join(', '), isError: false, answer };
  if (typeof isAuthorized === 'boolean') return { result: isAuthorized ? 'Allow' : 'Deny', isError: false, answer };
  return { result: value === null ? 'returned nothing' : 'returned no statusCode', isError: false, answer };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

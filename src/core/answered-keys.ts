import type { PushOutcome } from './commands.ts';
import { IDEMPOTENCY_KEY_LIFETIME_MS } from './limits.ts';

/**
 * One connection's `Idempotency-Key`s with their first outcome. Only what took effect is remembered: a push that was
 * answered 413 or 429 sent nothing, and its repetition must be able to succeed. Holds the newest `limit` keys.
 */
export class AnsweredKeys {
  readonly #answers = new Map<string, { readonly outcome: PushOutcome; readonly at: number }>();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  find(key: string, now: number): PushOutcome | null {
    const answer = this.#answers.get(key);
    return answer !== undefined && now - answer.at < IDEMPOTENCY_KEY_LIFETIME_MS ? answer.outcome : null;
  }

  /** Gives back the outcome. */
  remember(key: string, outcome: PushOutcome, now: number): PushOutcome {
    if (outcome.type !== 'sent' && outcome.type !== 'queued') return outcome;
    this.#answers.delete(key);
    this.#answers.set(key, { outcome, at: now });
    if (this.#answers.size > this.#limit) {
      const oldest = this.#answers.keys().next();
      if (oldest.done !== true) this.#answers.delete(oldest.value);
    }
    return outcome;
  }
}

/** How much longer a worker may be silent at first, while it loads: on a machine that starts many at once it takes a while. */
const START_MS = 30_000;

/** Counts how long each worker was silent while this process ran: who is frozen together with its workers must not blame them. */
export class Vigil {
  readonly #silenceMs: number;
  /** The longest span between two looks that counts in full. */
  readonly #longestStepMs: number;
  readonly #silentMs = new Map<number, number>();
  #lookedAt: number;

  constructor({ silenceMs, lookEveryMs, now }: { readonly silenceMs: number; readonly lookEveryMs: number; readonly now: number }) {
    this.#silenceMs = silenceMs;
    this.#longestStepMs = lookEveryMs * 2;
    this.#lookedAt = now;
  }

  /** It was started. */
  began(worker: number): void {
    this.#silentMs.set(worker, -START_MS);
  }

  /** It lives. */
  heard(worker: number): void {
    this.#silentMs.set(worker, 0);
  }

  forget(worker: number): void {
    this.#silentMs.delete(worker);
  }

  /** Those that were silent for too long, each said once. `now` is of any clock that only goes on. */
  look(now: number): number[] {
    const stepMs = Math.min(this.#longestStepMs, Math.max(0, now - this.#lookedAt));
    this.#lookedAt = now;
    const hung: number[] = [];
    for (const [worker, silentMs] of this.#silentMs) {
      this.#silentMs.set(worker, silentMs + stepMs);
      if (silentMs + stepMs >= this.#silenceMs) hung.push(worker);
    }
    for (const worker of hung) this.forget(worker);
    return hung;
  }
}

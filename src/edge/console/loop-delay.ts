import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 20;
/** Several may look: a look counts what happened since the first that saw it. */
const LOOK_MS = 1_000;

/** How late the event loop is, while somebody wants to know. */
export class LoopDelay {
  #histogram: ReturnType<typeof monitorEventLoopDelay> | null = null;
  #lookedAt = 0;
  #ms = 0;

  start(): void {
    this.#histogram ??= monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    this.#histogram.enable();
  }

  stop(): void {
    this.#histogram?.disable();
    this.#histogram = null;
  }

  /** 99th percentile of the last second, in ms beyond what the timer itself waits. */
  get ms(): number {
    const now = performance.now();
    if (this.#histogram !== null && now - this.#lookedAt >= LOOK_MS) {
      this.#lookedAt = now;
      const ms = this.#histogram.percentile(99) / 1e6 - RESOLUTION_MS;
      this.#ms = Number.isFinite(ms) ? Math.max(0, Math.round(ms * 10) / 10) : 0;
      this.#histogram.reset();
    }
    return this.#ms;
  }
}

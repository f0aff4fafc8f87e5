import { type IdGenerator, RandomIdGenerator } from '@opentelemetry/sdk-trace';

/** Ids of spans that are known before the span is: what a backend is told as its parent must be what the span is called. */
export class ChosenIds implements IdGenerator {
  readonly #random = new RandomIdGenerator();
  #next: string | null = null;

  /** For the next span only. */
  chooseSpanId(id: string): void {
    this.#next = id;
  }

  readonly generateSpanId = (): string => {
    const id = this.#next ?? this.#random.generateSpanId();
    this.#next = null;
    return id;
  };

  readonly generateTraceId = (): string => this.#random.generateTraceId();
}

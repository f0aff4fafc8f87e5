import type { Answers, Command, Outcome, Query } from '../core/commands.ts';
import type { Bus, BusHandler } from '../core/ports.ts';
import type { Timings } from '../core/timings.ts';
import { realTime } from './real-time.ts';

/** A bus whose questions are timed; what it does is the same. */
export class TimedBus implements Bus {
  readonly #inner: Bus;
  readonly #timings: Timings;

  constructor(inner: Bus, timings: Timings) {
    this.#inner = inner;
    this.#timings = timings;
  }

  serve(handler: BusHandler): Promise<void> {
    return this.#inner.serve(handler);
  }

  ask(command: Command): Promise<Outcome> | null {
    const startedAt = realTime.now();
    const asked = this.#inner.ask(command);
    if (asked === null) return null;
    return asked.then((outcome) => {
      this.#took(command.type, endOf(outcome), startedAt);
      return outcome;
    });
  }

  async askAll(query: Query): Promise<Answers> {
    const startedAt = realTime.now();
    const answers = await this.#inner.askAll(query);
    this.#took(query.type, answers.unreachable.length === 0 ? 'answered' : 'incomplete', startedAt);
    return answers;
  }

  async claim(id: string, key: string, mayReplace: boolean): Promise<boolean> {
    const startedAt = realTime.now();
    const isGranted = await this.#inner.claim(id, key, mayReplace);
    this.#took('claim', isGranted ? 'granted' : 'refused', startedAt);
    return isGranted;
  }

  release(id: string, key: string): void {
    this.#inner.release(id, key);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  #took(question: string, end: string, startedAt: number): void {
    this.#timings.took(question, end, realTime.now() - startedAt);
  }
}

/** Whatever the owner of a connection says is an answer. */
function endOf({ type }: Outcome): string {
  return type === 'unavailable' || type === 'timeout' ? type : 'answered';
}

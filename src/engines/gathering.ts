import type { RealTime } from './real-time.ts';

type Open<Answer> = {
  readonly awaited: Set<string>;
  readonly silent: string[];
  readonly answers: Answer[];
  readonly isEnough: (answer: Answer) => boolean;
  readonly finish: () => void;
};

export type Gathered<Answer> = { readonly answers: readonly Answer[]; readonly silent: readonly string[] };

export type GatheringOptions<Answer> = {
  /** Owner tokens of those whose answer is waited for. */
  readonly of: Iterable<string>;
  readonly limitMs: number;
  /** Is there no need to wait for the others? */
  readonly isEnough?: (answer: Answer) => boolean;
  readonly send: (n: number) => void;
};

/** Questions to many processes: each is numbered, and resolves when all have answered, or with the names of the silent. */
export class Gatherings<Answer> {
  readonly #open = new Map<number, Open<Answer>>();
  readonly #time: RealTime;
  #last = 0;

  constructor(time: RealTime) {
    this.#time = time;
  }

  ask({ of, limitMs, isEnough = () => false, send }: GatheringOptions<Answer>): Promise<Gathered<Answer>> {
    this.#last += 1;
    const n = this.#last;
    const awaited = new Set(of);
    const answers: Answer[] = [];
    const silent: string[] = [];
    return new Promise((resolve) => {
      const timer = this.#time.after(limitMs, () => finish());
      const finish = (): void => {
        timer.cancel();
        this.#open.delete(n);
        resolve({ answers, silent: [...silent, ...awaited] });
      };
      this.#open.set(n, { awaited, silent, answers, isEnough, finish });
      send(n);
      if (awaited.size === 0) finish();
    });
  }

  /** An answer from this process, or null: none will come from it. */
  answered(n: number, from: string, answer: Answer | null): void {
    const open = this.#open.get(n);
    if (open === undefined || !open.awaited.delete(from)) return;
    if (answer === null) open.silent.push(from);
    else open.answers.push(answer);
    if (open.awaited.size === 0 || (answer !== null && open.isEnough(answer))) open.finish();
  }

  /** Nobody will answer this one. */
  giveUp(n: number): void {
    this.#open.get(n)?.finish();
  }

  /** Nobody will answer any more. */
  giveUpAll(): void {
    for (const { finish } of this.#open.values()) finish();
  }
}

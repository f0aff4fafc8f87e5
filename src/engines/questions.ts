type Open<Asked, Answer> = { readonly asked: Asked; readonly settle: (answer: Answer) => void };

export type Question<Asked, Answer> = {
  /** What is remembered of the question, to know a fitting answer by. */
  readonly asked: Asked;
  /** How long an answer may take, in ms. */
  readonly limitMs: number;
  /** The answer where none came in time. */
  readonly late: Answer;
  /** Sends the question under this number. */
  readonly send: (n: number) => void;
};

/** Questions to other processes: each is numbered, and answered once, by its answer or by its time-out. */
export class Questions<Asked, Answer> {
  readonly #open = new Map<number, Open<Asked, Answer>>();
  #last = 0;

  ask({ asked, limitMs, late, send }: Question<Asked, Answer>): Promise<Answer> {
    this.#last += 1;
    const n = this.#last;
    return new Promise((resolve) => {
      const timer = setTimeout(() => settle(late), limitMs);
      const settle = (answer: Answer): void => {
        clearTimeout(timer);
        this.#open.delete(n);
        resolve(answer);
      };
      this.#open.set(n, { asked, settle });
      send(n);
    });
  }

  /** An answer came. One that does not fit its question, or fits none, is dropped. */
  answered(n: number, answer: Answer, fits: (asked: Asked) => boolean): void {
    const question = this.#open.get(n);
    if (question !== undefined && fits(question.asked)) question.settle(answer);
  }

  /** Nobody will answer these any more. */
  giveUp(answerOf: (asked: Asked) => Answer | undefined): void {
    for (const { asked, settle } of this.#open.values()) {
      const answer = answerOf(asked);
      if (answer !== undefined) settle(answer);
    }
  }
}

import type { Receiver } from '../../core/ports.ts';

/** Tells verdicts that are known already: in their order, once the call that they answer has returned. */
export class Soon<Verdict> {
  #receivers: Receiver<Verdict>[] = [];
  #verdicts: Verdict[] = [];

  settle(receiver: Receiver<Verdict>, verdict: Verdict): void {
    this.#verdicts.push(verdict);
    if (this.#receivers.push(receiver) === 1) process.nextTick(this.#tell);
  }

  /** What comes in meanwhile is told, too: a connection's next message, of those that were read. */
  readonly #tell = (): void => {
    const receivers = this.#receivers;
    const verdicts = this.#verdicts;
    for (let index = 0; index < receivers.length; index += 1) receivers[index]?.settled(verdicts[index] as Verdict);
    this.#receivers = [];
    this.#verdicts = [];
  };
}

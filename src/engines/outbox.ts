import type { Backbone } from './backbone.ts';
import type { RealTime } from './real-time.ts';
import { seal, writeItem, type Item, type Written } from './envelope.ts';

/** What became of an envelope: the engine took it, nobody listens there, or the engine could not be asked. */
export type Fate = 'taken' | 'nobody' | 'lost';

type Letter = Written & { readonly done: (fate: Fate) => void };

export type OutboxOptions = {
  readonly backbone: Pick<Backbone, 'send' | 'sendAll' | 'maxBytes'>;
  readonly owner: string;
  readonly time: RealTime;
};

/** Room for the head of an envelope, and for the commas. */
const HEAD_ROOM = 64;
/** Larger ones would keep smaller ones behind them waiting. */
const GOOD_BYTES = 256 * 1_024;

/** Gathers what one turn of the event loop has for each process, and sends it as one envelope. */
export class Outbox {
  readonly #options: OutboxOptions;
  /** By owner token; null: all. */
  #letters = new Map<string | null, Letter[]>();
  #isScheduled = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** False: it is larger than the engine carries, and nothing is sent. `done` is called once, later, unless false came back. */
  send(to: string | null, item: Item, done: (fate: Fate) => void = () => {}): boolean {
    const written = writeItem(item);
    if (sizeOf(written) + HEAD_ROOM > this.#options.backbone.maxBytes) return false;
    const waiting = this.#letters.get(to);
    if (waiting === undefined) this.#letters.set(to, [{ ...written, done }]);
    else waiting.push({ ...written, done });
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      this.#options.time.soon(() => this.flush());
    }
    return true;
  }

  flush(): void {
    this.#isScheduled = false;
    const letters = this.#letters;
    this.#letters = new Map();
    for (const [to, all] of letters) for (const batch of this.#batches(all)) this.#post(to, batch);
  }

  #post(to: string | null, batch: readonly Letter[]): void {
    const { backbone, owner } = this.#options;
    const envelope = seal(owner, batch);
    const sent = to === null ? backbone.sendAll(envelope).then(() => true) : backbone.send(to, envelope);
    const tell = (fate: Fate): void => {
      for (const { done } of batch) done(fate);
    };
    sent.then(
      (isHeard) => tell(isHeard ? 'taken' : 'nobody'),
      () => tell('lost'),
    );
  }

  *#batches(letters: readonly Letter[]): Iterable<readonly Letter[]> {
    const limit = Math.min(this.#options.backbone.maxBytes, GOOD_BYTES) - HEAD_ROOM;
    let batch: Letter[] = [];
    let bytes = 0;
    for (const letter of letters) {
      const size = sizeOf(letter);
      if (batch.length > 0 && bytes + size > limit) {
        yield batch;
        batch = [];
        bytes = 0;
      }
      batch.push(letter);
      bytes += size;
    }
    yield batch;
  }
}

function sizeOf({ json, bytes }: Written): number {
  return Buffer.byteLength(json) + 1 + (bytes?.length ?? 0);
}

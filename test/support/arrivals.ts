const PATIENCE_MS = 30_000;

/** Things that arrive one by one, and a way to wait for those that are wanted. No sleeping. */
export class Arrivals<Item> {
  readonly all: Item[] = [];
  #waiters: { readonly isEnough: () => boolean; readonly resolve: () => void }[] = [];

  add(item: Item): void {
    this.all.push(item);
    for (const waiter of this.#waiters) if (waiter.isEnough()) waiter.resolve();
  }

  /** The first item that matches, once it is there. */
  async first(matches: (item: Item) => boolean, patienceMs = PATIENCE_MS): Promise<Item> {
    const [found] = await this.atLeast(1, matches, patienceMs);
    return found as Item;
  }

  /** All that match, once there are that many. Rejects when patience ends, and says what did arrive. */
  async atLeast(count: number, matches: (item: Item) => boolean = () => true, patienceMs = PATIENCE_MS): Promise<Item[]> {
    let seen = 0;
    let found = 0;
    const isEnough = (): boolean => {
      for (; seen < this.all.length; seen += 1) if (matches(this.all[seen] as Item)) found += 1;
      return found >= count;
    };
    if (!isEnough()) {
      await new Promise<void>((resolve, reject) => {
        const waiter = { isEnough, resolve: () => finish(resolve) };
        const timer = setTimeout(
          () =>
            finish(() =>
              reject(
                new Error(
                  `waited ${patienceMs} ms for ${count}, ${found} of ${this.all.length} matched; last: ${describe(this.all.at(-1))}`,
                ),
              ),
            ),
          patienceMs,
        );
        const finish = (end: () => void): void => {
          clearTimeout(timer);
          this.#waiters = this.#waiters.filter((other) => other !== waiter);
          end();
        };
        this.#waiters.push(waiter);
      });
    }
    return this.all.filter(matches);
  }
}

function describe(item: unknown): string {
  try {
    return (JSON.stringify(item) ?? 'nothing').slice(0, 400);
  } catch {
    return String(item);
  }
}

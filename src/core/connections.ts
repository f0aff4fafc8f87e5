import type { Connection } from './connection.ts';

/** This process's connections by id. The map is exact: an entry is there from reservation until its client is gone. */
export class Connections {
  readonly #byId = new Map<string, Connection>();
  readonly #countByAddress = new Map<string, number>();

  get size(): number {
    return this.#byId.size;
  }

  find(id: string): Connection | undefined {
    return this.#byId.get(id);
  }

  add(connection: Connection): void {
    this.#byId.set(connection.id, connection);
    this.#countByAddress.set(connection.remoteAddress, this.countOf(connection.remoteAddress) + 1);
  }

  /** How many connections this remote address holds. */
  countOf(remoteAddress: string): number {
    return this.#countByAddress.get(remoteAddress) ?? 0;
  }

  /** Removes this very connection; another one that has taken its id since stays. */
  remove(connection: Connection): void {
    if (this.#byId.get(connection.id) === connection) this.#byId.delete(connection.id);
    const count = this.countOf(connection.remoteAddress) - 1;
    if (count > 0) this.#countByAddress.set(connection.remoteAddress, count);
    else this.#countByAddress.delete(connection.remoteAddress);
  }

  [Symbol.iterator](): IterableIterator<Connection> {
    return this.#byId.values();
  }
}

import { readFileSync } from 'node:fs';

/** How many files this process may have open; Node raises its soft limit to the hard one at start. Infinity where it cannot be told. */
export function fileLimit(): number {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return soft === undefined ? Infinity : Number(soft);
  } catch {
    return Infinity;
  }
}

/** Descriptors kept free for the backend's sockets come on top of these, for files, pipes and the control API. */
const RESERVED_FILES = 128;
/** Sockets that are neither clients nor known callers, at 5 to 10 KB each; with TLS 20 to 60 (test/e2e/half-open-tls.test.ts makes such). */
const MOST_SOCKETS = 32_768;

export type FileBudgetOptions = {
  readonly limit: number;
  readonly backendConnections: number;
  /** MAX_HTTP_SOCKETS; 0: as many as are left. */
  readonly httpSockets: number;
  /** Servers, each with sockets of its own that are neither clients nor known callers. */
  readonly servers: number;
};

/** How the files that a process may have open are shared out. */
export class FileBudget {
  /** Clients that fit in beside everything else that needs a file. */
  readonly clients: number;
  readonly #httpSockets: number;
  readonly #free: number;
  /** Kept free of clients, for each server. */
  readonly #kept: number;

  constructor({ limit, backendConnections, httpSockets, servers }: FileBudgetOptions) {
    this.#httpSockets = httpSockets;
    this.#free = limit - backendConnections - RESERVED_FILES;
    this.#kept = httpSockets || Math.min(4_096, Math.max(16, Math.floor(limit / 8)));
    this.clients = Math.max(1, this.#free - servers * this.#kept);
  }

  /** Sockets of one server that are neither clients nor known callers, while so many clients are there. */
  socketsBeside(clients: number): number {
    return this.#httpSockets || Math.max(this.#kept, Math.min(MOST_SOCKETS, this.#free - clients));
  }
}

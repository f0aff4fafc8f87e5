import { createInboxes } from '../../core/inbox.ts';
import type { Limits } from '../../core/limits.ts';
import type { Clock, Log } from '../../core/ports.ts';
import type { Route } from '../../core/route.ts';
import { BackendProblem } from '../../wire/backend-problem.ts';
import { HandlersBackend, HandlersRoom } from './backend.ts';
import { HandlersClient } from './client.ts';
import { Guest } from './guest.ts';
import type { Handlers } from './handlers.ts';

/** Finds, or makes, the handlers that a route names. Throws a BackendProblem. */
export type FindHandlers = (url: URL) => Promise<Handlers>;

type Parts = { readonly clock: Clock; readonly log: Log; readonly handlersAt?: FindHandlers };
type Spoken = { readonly url: URL | null; readonly limits: Limits };

/** Backends that are code in this process. */
export function openHandlers({ clock, log, handlersAt }: Parts): {
  readonly serve: (spoken: Spoken) => Promise<Pick<Route, 'backend' | 'intake' | 'companion'>>;
  readonly targets: readonly string[];
  readonly close: () => Promise<void>;
} {
  const room = new HandlersRoom();
  const targets = new Set<string>();
  return {
    async serve({ url, limits }) {
      if (url === null || handlersAt === undefined) throw new BackendProblem('there is no code in this process to serve a route');
      const handlers = await handlersAt(url);
      const backend = new HandlersBackend({ handlers, limits, clock, log, room });
      targets.add(url.href);
      return {
        backend,
        intake: createInboxes({ backend, limits }),
        companion: (reach, request) => new Guest(new HandlersClient(reach, request), handlers, log),
      };
    },
    get targets() {
      return [...targets];
    },
    close() {
      room.close();
      return Promise.resolve();
    },
  };
}

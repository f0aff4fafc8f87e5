import { addressOf } from './address.ts';
import { CLOSE } from './close-codes.ts';
import type { Closings } from './closings.ts';
import type { Observer } from './observer.ts';
import { Party } from './party.ts';
import type { Bus, LedgerEntry, Log } from './ports.ts';
import type { Route } from './route.ts';

type Options = {
  /** Finds the route that a ledger entry names. */
  readonly routeOf: (name: string) => Route | undefined;
  readonly bus: Pick<Bus, 'release'>;
  readonly observer: Observer;
  readonly log: Log;
  readonly closings: Closings;
};

/** Tells the ends of connections whose process died (G3), and gives their ids free. */
export function tellOrphans(entries: readonly LedgerEntry[], { routeOf, bus, observer, log, closings }: Options): void {
  if (entries.length > 0) log.warn({ orphans: entries.length }, 'telling the ends of connections whose process died');
  for (const { id, key, path, data, route: name, tags: pairs } of entries) {
    const route = routeOf(name);
    if (route === undefined) {
      log.error(
        { id, route: name },
        'a connection of a dead process was on a route that is no longer configured: its close event is not told',
      );
      continue;
    }
    observer.counted('orphansTold', 1);
    if (id !== key) bus.release(addressOf(route.namespace, id), key);
    const tags = pairs === null ? null : new Map(Object.entries(pairs));
    const party = new Party({ id, key, route: name, path, tags, data, subprotocol: null, authorization: null, traceparent: null });
    closings.tell(route, { type: 'close', party, seq: null, code: CLOSE.ABNORMAL, reason: '', isOrphan: true }, null);
  }
}

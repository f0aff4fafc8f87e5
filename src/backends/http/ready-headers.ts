import { subscribe } from 'node:diagnostics_channel';
import type { PartyHeaders } from '../../wire/party-headers.ts';

/** For the request that undici makes next. */
let due: PartyHeaders | null = null;

/**
 * Written against undici 8.12.4, which checks and copies every header of every request; to go when it takes a head that was put
 * together before (test/patched-libraries.test.ts). It publishes a request when it has made it and before it writes it. What is
 * due joins it then: one value that has the other headers in it (docs/performance.md#what-the-time-goes-into).
 */
subscribe('undici:request:create', (message) => {
  if (due === null) return;
  const { request } = message as { readonly request: { readonly headers: string[] } };
  request.headers.push(due.list[0] ?? '', due.text ?? '');
  due = null; // what undici does on the way may dispatch another
});

/** Has undici's next request made with these headers, which must have their `text`, or with none: to be said before and after each. */
export function joinNext(headers: PartyHeaders | undefined): void {
  due = headers ?? null;
}

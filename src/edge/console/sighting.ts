import type { CloseEvent, CloseVerdict, MessageEvent, MessageVerdict, Refusal } from '../../core/events.ts';
import type { Attempt, Life } from '../../core/observer.ts';
import type { Party } from '../../core/party.ts';
import type { Sighting } from '../../core/sightings.ts';
import { traceOf } from '../../wire/trace.ts';
import { shorten } from './shorten.ts';

type Of = { readonly at: number; readonly id: string; readonly route: string; readonly path: string; readonly trace: string };

/** Of an event, or of a push, which has no number of its own: it belongs to the connection's first span. */
export function of(party: Party, at: number, seq: number | null): Of {
  const { id, route, path } = party;
  return { at, id, route, path: shorten(path), trace: traceOf(party).spanOf(seq ?? 0xffffffff) };
}

export function refusedSighting({ status, message, failure }: Refusal, attempt: Attempt, { at, ms }: { at: number; ms: number }): Sighting {
  const because = failure === undefined ? null : shorten(failure.because);
  return {
    type: 'refused',
    at,
    route: attempt.route,
    path: shorten(attempt.request.path),
    code: status,
    reason: shorten(message),
    because,
    ms,
  };
}

export function closedSighting({ party, seq, code, reason, by = 'gateway' }: CloseEvent, life: Life | null, at: number): Sighting {
  return {
    type: 'closed',
    at,
    id: party.id,
    route: party.route,
    path: shorten(party.path),
    trace: traceOf(party).spanOf(seq ?? 0xffffffff),
    code,
    reason,
    by: life === null ? 'crash' : by,
    openMs: life === null ? null : Math.max(0, at - life.connectedAt),
    messages: seq === null ? null : seq - 1,
  };
}

/** `payload`: what may be shown of it. */
export function answeredSighting(
  event: MessageEvent | CloseEvent,
  verdict: MessageVerdict | CloseVerdict,
  { at, ms, payload }: { readonly at: number; readonly ms: number; readonly payload: string | null },
): Sighting {
  const because = whyOf(verdict);
  if (event.type === 'close') {
    const told = verdict.type === 'delivered' ? 'delivered' : 'retry'; // an end is told until it is taken
    return { type: 'close-answered', ...of(event.party, at, event.seq), verdict: told, because, ms };
  }
  const { data, isBinary, seq } = event;
  const said = verdict.type === 'delivered' && because !== null ? 'complained' : verdict.type;
  return { type: 'answered', ...of(event.party, at, seq), seq, bytes: data.length, isBinary, payload, verdict: said, because, ms };
}

/** What the backend, or the want of its answer, said against an event; null: nothing. */
export function whyOf(verdict: MessageVerdict | CloseVerdict): string | null {
  if (verdict.type !== 'delivered') return shorten(verdict.because);
  return 'complaint' in verdict && verdict.complaint !== null ? shorten(verdict.complaint) : null;
}

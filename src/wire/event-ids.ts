import type { CloseEvent, MessageEvent, OpenEvent } from '../core/events.ts';

/** Equal on every repetition of an event, and across a crash (docs/contract.md#event-headers). */
export function eventIdOf(event: OpenEvent | MessageEvent | CloseEvent): string {
  switch (event.type) {
    case 'open':
      return `${event.party.key}.0`;
    case 'message':
      return `${event.party.key}.${event.seq}`;
    case 'close':
      return `${event.party.key}.close`;
  }
}

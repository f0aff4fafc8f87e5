import type { OpenRequest } from '../../core/events.ts';
import type { Party } from '../../core/party.ts';
import type { Reach } from '../../core/reach.ts';
import { changesOf, closingOf, messageOf, sentOf } from './frames.ts';
import type { Client, SendOptions, Sent, Tags } from './handlers.ts';

/** A client as handlers see it: a view of its connection, and what they keep for it. */
export class HandlersClient implements Client {
  data: unknown = undefined;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string | string[]>>;
  readonly #reach: Reach;

  constructor(reach: Reach, { parameters, query }: Pick<OpenRequest, 'parameters' | 'query'>) {
    this.#reach = reach;
    this.params = filled(parameters);
    this.query = filled(query);
  }

  get id(): string {
    return this.#reach.party.id;
  }

  get path(): string {
    return this.#reach.party.path;
  }

  get remoteAddress(): string {
    return this.#reach.remoteAddress;
  }

  get protocol(): string | null {
    return this.#reach.party.subprotocol;
  }

  get tags(): Readonly<Record<string, string>> {
    const { tags } = this.#reach.party;
    return tags === null ? {} : Object.fromEntries(tags);
  }

  get isOpen(): boolean {
    return this.#reach.isOpen;
  }

  get pendingBytes(): number {
    return this.#reach.bufferedBytes;
  }

  send(data: string | Uint8Array, options?: SendOptions): Sent {
    const sent = sentOf(this.#reach.push(messageOf(data, options?.binary), null));
    return sent === 'unavailable' ? 'gone' : sent; // of a connection in this process no outcome is unknown
  }

  close(code?: number, reason?: string): void {
    const closing = closingOf(code, reason);
    this.#reach.close(closing.code, closing.reason, 'backend');
  }

  setTags(changes: Tags): void {
    const problem = this.#reach.setTags(changesOf(changes));
    if (problem !== null) throw new RangeError(problem);
  }
}

const NONE = Object.freeze({});

/** Most clients have none of these; then one object serves all. */
function filled<Value extends object>(given: Value): Value {
  for (const _name in given) return given;
  return NONE as Value;
}

/** A client whose process died: it can be named, and not reached. */
export function goneClient(party: Party): HandlersClient {
  const gone: Reach = {
    party,
    remoteAddress: '',
    isOpen: false,
    bufferedBytes: 0,
    push: () => ({ type: 'not-found' }),
    close: () => ({ type: 'not-found' }),
    setTags: () => null,
  };
  return new HandlersClient(gone, { parameters: NONE, query: NONE });
}

import type { CloseEvent, MessageEvent, OpenEvent, TagChanges } from '../../core/events.ts';
import type { Party } from '../../core/party.ts';
import type { Entry, EntryCodec, Variables } from '../../wire/entries.ts';
import { eventIdOf } from '../../wire/event-ids.ts';
import { type JsonPaths, valueIn } from './json-values.ts';

export type StreamCodecOptions = {
  /** The route's path, as the file has it. */
  readonly route: string;
  /** Tags that entries tell; null: all. */
  readonly includeTags: ReadonlySet<string> | null;
  /** Where in a message's JSON the value of a name is. */
  readonly jsonPaths: JsonPaths;
};

/** docs/dialects/stream.md as pure functions: wsgateway's entries, and some fields of ours behind them. */
export class StreamCodec implements EntryCodec {
  readonly #options: StreamCodecOptions;

  constructor(options: StreamCodecOptions) {
    this.#options = options;
  }

  open(event: OpenEvent): Entry {
    const { party, request } = event;
    const tags = this.#encode(tagsAtOpen(event));
    const fields = ['connection', party.id, 'action', 'open', 'tags', tags, ...this.#ownFields(event)];
    fields.push('path', party.path, 'remote_address', request.remoteAddress);
    if (party.subprotocol !== null) fields.push('subprotocol', party.subprotocol);
    if (party.data !== null) fields.push('data', party.data);
    return { eventId: eventIdOf(event), fields, isBinary: false };
  }

  /** On the path of every message. */
  message(event: MessageEvent): Entry {
    const { party, data, isBinary } = event;
    const eventId = eventIdOf(event);
    const type = isBinary ? 'binary' : 'text';
    const { route } = this.#options;
    const tags = party.derived(this.#tags);
    const fields = ['connection', party.id, 'action', 'message', 'type', type, 'tags', tags, 'message', data];
    fields.push('event_id', eventId, 'route', route);
    return { eventId, fields, isBinary };
  }

  close(event: CloseEvent): Entry {
    const { party, code, reason, isOrphan } = event;
    const fields = ['connection', party.id, 'action', 'close', 'tags', party.derived(this.#tags), ...this.#ownFields(event)];
    fields.push('close_code', String(code), 'close_reason', reason.toWellFormed());
    if (isOrphan) fields.push('orphan', 'true');
    return { eventId: eventIdOf(event), fields, isBinary: false };
  }

  variables(event: OpenEvent | MessageEvent | CloseEvent): Variables {
    const tags = event.type === 'open' ? tagsAtOpen(event) : event.party.tags;
    let json: unknown;
    return {
      tag: (name) => tags?.get(name),
      json: (name) => {
        if (event.type !== 'message') return undefined;
        if (json === undefined) json = parsed(event);
        return valueIn(json, name, this.#options.jsonPaths);
      },
    };
  }

  #ownFields(event: OpenEvent | CloseEvent): string[] {
    return ['event_id', eventIdOf(event), 'route', this.#options.route];
  }

  readonly #tags = (party: Party): string => this.#encode(party.tags);

  /** Urlencoded, keys in their order. */
  #encode(tags: ReadonlyMap<string, string> | null): string {
    if (tags === null) return '';
    const { includeTags } = this.#options;
    const shown = [...tags].filter(([key]) => includeTags === null || includeTags.has(key));
    return new URLSearchParams(shown.toSorted(([a], [b]) => (a < b ? -1 : 1))).toString();
  }
}

/** While the backend is asked, a client has the tags that its route gives it; later ones are in its party. */
function tagsAtOpen({ party, request }: OpenEvent): ReadonlyMap<string, string> | null {
  return party.tags ?? mapOf(request.tags);
}

function mapOf(changes: TagChanges): ReadonlyMap<string, string> {
  return new Map(changes.filter(([, value]) => value !== ''));
}

/** Longer messages are not read for a name's sake. */
const MOST_JSON_BYTES = 65_536;

/** Null: no JSON, or too much of it. */
function parsed({ data }: MessageEvent): unknown {
  if (data.length > MOST_JSON_BYTES) return null;
  try {
    return JSON.parse(data.toString()) as unknown;
  } catch {
    return null;
  }
}

import type { Query } from '../../core/commands.ts';
import type { Message } from '../../core/events.ts';
import { GatewayError } from '../../wire/errors.ts';
import { MAX_NAME_BYTES } from '../../wire/name-template.ts';
import { queryOf } from '../../wire/parameters.ts';
import { CLOSING_NAMES, closingIn, selectorIn, sendable } from '../../wire/selection-queries.ts';
import { readTagChanges } from '../../wire/tag-changes.ts';

export type ReadCommand = {
  readonly action: 'send' | 'settags' | 'close';
  readonly query: Query;
  readonly replyTo: string | null;
  readonly correlationId: string | null;
  /** Epoch ms; null: it never comes too late. */
  readonly expiresAt: number | null;
};

type Fields = ReadonlyMap<string, Buffer>;

/** As in the URL of a request. */
const MOST_SELECTOR_BYTES = 16_384;
const NOTHING = Buffer.alloc(0);

/** Reads the fields of a command (docs/dialects/stream.md#commands-from-a-stream). Throws a GatewayError that says what is wrong. */
export function readCommand(fields: Fields, maxMessageBytes: number): ReadCommand {
  const action = textIn(fields, 'action', 16);
  if (action !== 'send' && action !== 'settags' && action !== 'close')
    throw mistake(`action must be send, settags or close, ${action === null ? 'none' : JSON.stringify(action)} came`);
  const expires = textIn(fields, 'expires', 32);
  if (expires !== null && !/^\d{1,15}$/.test(expires)) throw mistake('expires must be a time in ms since 1970');
  return {
    action,
    query: queryIn(action, fields, maxMessageBytes),
    replyTo: textIn(fields, 'reply_to', MAX_NAME_BYTES),
    correlationId: textIn(fields, 'correlation_id', MAX_NAME_BYTES),
    expiresAt: expires === null ? null : Number(expires),
  };
}

function queryIn(action: ReadCommand['action'], fields: Fields, maxMessageBytes: number): Query {
  const parameters = queryOf({ url: `?${textIn(fields, 'selector', MOST_SELECTOR_BYTES) ?? ''}` });
  switch (action) {
    case 'send':
      return { type: 'send', selector: selectorIn(parameters), message: sendable(messageIn(fields), maxMessageBytes) };
    case 'settags': {
      const text = fields.get('message')?.toString() ?? '';
      const changes = text === '' ? 'message must be tags, such as room=1&seen=' : readTagChanges(text);
      if (typeof changes === 'string') throw mistake(changes);
      return { type: 'set-tags', selector: selectorIn(parameters), changes };
    }
    case 'close': {
      const farewell = messageIn(fields);
      return {
        type: 'close-all',
        selector: selectorIn(parameters, CLOSING_NAMES),
        farewell: farewell.data.length === 0 ? null : sendable(farewell, maxMessageBytes),
        ...closingIn(parameters),
      };
    }
  }
}

function messageIn(fields: Fields): Message {
  const type = textIn(fields, 'type', 16) ?? 'text';
  if (type !== 'text' && type !== 'binary') throw mistake(`type must be text or binary, ${JSON.stringify(type)} came`);
  return { data: fields.get('message') ?? NOTHING, isBinary: type === 'binary' };
}

/** Null: it is not there, or empty. */
function textIn(fields: Fields, name: string, mostBytes: number): string | null {
  const bytes = fields.get(name);
  if (bytes === undefined || bytes.length === 0) return null;
  if (bytes.length > mostBytes) throw mistake(`${name} may have ${mostBytes} bytes, ${bytes.length} came`);
  return bytes.toString();
}

function mistake(message: string): GatewayError {
  return new GatewayError('BAD_REQUEST', message);
}

import { isUtf8 } from 'node:buffer';
import { CLOSE, isSendableCloseCode, MAX_REASON_BYTES } from '../core/close-codes.ts';
import type { Message } from '../core/events.ts';
import { readSelector, type Selector } from '../core/selector.ts';
import { GatewayError } from './errors.ts';
import { NOT_UTF8 } from './http-messages.ts';

/** What `/close` says beside whom it is for. */
export const CLOSING_NAMES = ['closeCode', 'closeReason'];

/** Whom a command is for (docs/selections.md#selectors); `own` are parameters that the command reads itself. Throws a GatewayError. */
export function selectorIn(parameters: URLSearchParams, own: readonly string[] = []): Selector {
  const selector = readSelector(parameters, own);
  if (typeof selector === 'string') throw new GatewayError('BAD_REQUEST', selector);
  return selector;
}

/** The code and the reason that a selection is closed with. Throws a GatewayError. */
export function closingIn(parameters: URLSearchParams): { readonly code: number; readonly reason: string } {
  const text = parameters.get('closeCode') ?? String(CLOSE.NORMAL);
  const code = /^\d{4}$/.test(text) ? Number(text) : Number.NaN;
  const reason = parameters.get('closeReason') ?? 'Closed by server';
  if (!isSendableCloseCode(code)) throw new GatewayError('BAD_REQUEST', 'closeCode must be 1000, 1001, 1003, 1007 to 1014 or 3000 to 4999');
  if (Buffer.byteLength(reason) > MAX_REASON_BYTES) throw new GatewayError('BAD_REQUEST', `closeReason may have ${MAX_REASON_BYTES} bytes`);
  return { code, reason };
}

/** The message, if it can be sent to clients. Throws a GatewayError. */
export function sendable(message: Message, maxBytes: number): Message {
  if (!message.isBinary && !isUtf8(message.data)) throw new GatewayError('BAD_REQUEST', NOT_UTF8);
  if (message.data.length > maxBytes)
    throw new GatewayError('MESSAGE_TOO_LONG', `a message may have ${maxBytes} bytes (MAX_MESSAGE_BYTES)`);
  return message;
}

import { encodeFrame } from './frames.ts';
import { LoadError } from './find-handler.ts';

/** Of AWS Lambda, for what a function returns to a caller that waits. */
export const MAX_ANSWER_BYTES = 6_291_556;
const MAX_MESSAGE_LENGTH = 32_768;

/** The frame that tells what a function returned, or why that is no answer. */
export function returned(value: unknown): Buffer {
  const text = toJson(value);
  if (text === null) return threw('Runtime.MarshalError', 'Unable to stringify response body');
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_ANSWER_BYTES)
    return threw(
      'Function.ResponseSizeTooLarge',
      `Response payload size (${bytes} bytes) exceeded maximum allowed payload size (${MAX_ANSWER_BYTES} bytes).`,
    );
  return encodeFrame({ type: 'returned' }, text);
}

/** The frame that tells of an error that a function threw. */
export function threwError(error: unknown): Buffer {
  return encodeFrame({ type: 'threw', ...formOf(error) });
}

function threw(errorType: string, message: string): Buffer {
  return encodeFrame({ type: 'threw', errorType, message });
}

/** The frame that tells that a function cannot be loaded. */
export function failed(error: unknown): Buffer {
  return encodeFrame({ type: 'failed', ...formOf(error) });
}

/** The frame that tells of an error that nobody caught. */
export function died(error: unknown, isRejection: boolean): Buffer {
  const { errorType, message } = formOf(error);
  if (!isRejection) return encodeFrame({ type: 'died', errorType, message });
  return encodeFrame({ type: 'died', errorType: 'Runtime.UnhandledPromiseRejection', message: `${errorType}: ${message}` });
}

type ErrorForm = { readonly errorType: string; readonly message: string };

/** AWS's form of whatever was thrown: an error by its name, anything else by its type. */
export function formOf(error: unknown): ErrorForm {
  try {
    if (error instanceof LoadError) return formed(error.errorType, error.message);
    if (isErrorLike(error)) return formed(String(error.name), String(error.message));
    return formed(typeof error, String(error));
  } catch {
    return { errorType: 'Error', message: 'what was thrown cannot be read' }; // getters and `toString` are the function's own
  }
}

/** For the log. */
export function stackOf(error: unknown): string {
  try {
    return isErrorLike(error) && typeof error.stack === 'string' ? error.stack : `${formOf(error).errorType}: ${formOf(error).message}`;
  } catch {
    return formOf(error).message;
  }
}

function formed(errorType: string, message: string): ErrorForm {
  return { errorType: errorType.slice(0, 256), message: message.slice(0, MAX_MESSAGE_LENGTH) };
}

/** Errors of other realms are no instances of `Error` here. */
function isErrorLike(error: unknown): error is { readonly name: unknown; readonly message: unknown; readonly stack?: unknown } {
  return typeof error === 'object' && error !== null && 'name' in error && 'message' in error;
}

/** Null: it cannot be written as JSON. */
function toJson(value: unknown): string | null {
  try {
    return JSON.stringify(value) ?? 'null';
  } catch {
    return null;
  }
}

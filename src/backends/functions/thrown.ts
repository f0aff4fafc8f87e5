import type { FunctionResult } from '../../wire/functions.ts';

type Threw = Extract<FunctionResult, { readonly type: 'threw' }>;

/** Of a message so much is told. */
const MAX_MESSAGE_LENGTH = 32_768;

/** What AWS's runtimes answer for an error: `{"errorType","errorMessage",…}`. Null: the payload is none. */
export function readThrown(payload: Buffer): Threw | null {
  if (!payload.includes('"errorMessage"')) return null; // most answers are none, and need not be read here
  try {
    const value: unknown = JSON.parse(payload.toString());
    if (typeof value !== 'object' || value === null || !('errorMessage' in value) || 'statusCode' in value) return null;
    const { errorMessage } = value;
    const errorType = 'errorType' in value && typeof value.errorType === 'string' ? value.errorType : 'Error';
    return threw(errorType, typeof errorMessage === 'string' ? errorMessage : JSON.stringify(errorMessage));
  } catch {
    return null;
  }
}

export function threw(errorType: string, message: string): Threw {
  return { type: 'threw', errorType: errorType.slice(0, 256), message: message.slice(0, MAX_MESSAGE_LENGTH) };
}

/** What an instance is told once, at its start. */
export type Load = {
  readonly type: 'load';
  /** Absolute path of the handler's file; its extension may be left out. */
  readonly file: string;
  /** Its name among the file's exports, with dots where it lies deeper. */
  readonly export: string;
  readonly functionName: string;
  readonly memoryMb: number;
  readonly region: string;
};

/** One call; the event is the frame's payload. */
export type Invoke = { readonly type: 'invoke'; readonly requestId: string; readonly timeoutMs: number };

/**
 * What an instance says: it is ready, or cannot be (`failed`); its call has returned the payload, or thrown; an error that
 * nobody caught ends it (`died`), and its call with it.
 */
export type Said =
  | { readonly type: 'ready' | 'returned' }
  | { readonly type: 'failed' | 'threw' | 'died'; readonly errorType: string; readonly message: string };

/** Null: no word of the protocol. The code of a user's function can reach the channel, too. */
export function readSaid(header: unknown): Said | null {
  if (typeof header !== 'object' || header === null || !('type' in header)) return null;
  const { type } = header;
  if (type === 'ready' || type === 'returned') return { type };
  if (type !== 'failed' && type !== 'threw' && type !== 'died') return null;
  const { errorType, message } = header as { readonly errorType?: unknown; readonly message?: unknown };
  return typeof errorType === 'string' && typeof message === 'string' ? { type, errorType, message } : null;
}

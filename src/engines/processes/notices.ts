export type Facts = Readonly<Record<string, unknown>>;

/** What a worker and its supervisor say to each other beside bus and ledger. */
export type Notice =
  | NoticeToWorker
  /** Its event loop turns. */
  | { readonly notice: 'beat' }
  /** It could listen now. */
  | { readonly notice: 'prepared' }
  | { readonly notice: 'ready'; readonly facts: Facts }
  /** It ends, and so would another in its place. */
  | { readonly notice: 'failed'; readonly problem: string; readonly exitCode: number };

export type NoticeToWorker =
  | { readonly notice: 'drain' | 'reload' }
  /** All are prepared. They listen at the same time, as the kernel spreads clients over the sockets that it finds. */
  | { readonly notice: 'listen' }
  /** All listen. */
  | { readonly notice: 'complete' };

export function isNotice(message: object): message is Notice {
  return 'notice' in message;
}

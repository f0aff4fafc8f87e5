import type { Message } from './events.ts';
import type { Limits } from './limits.ts';

/** What a backend asked of a connection whose `open` call is still running (G6); done in order once it is open. */
export class Early {
  readonly pushes: Message[] = [];
  close: { readonly code: number; readonly reason: string } | null = null;
  /** The gateway leaves. */
  isGoodbye = false;
  #bytes = 0;

  /** False: there are as many as may wait. */
  add(message: Message, { inboxMessages, sendBufferBytes }: Limits): boolean {
    const { length } = message.data;
    if (this.pushes.length >= inboxMessages || (this.#bytes > 0 && this.#bytes + length > sendBufferBytes)) return false;
    this.pushes.push(message);
    this.#bytes += length;
    return true;
  }
}

import type { Message } from './events.ts';
import type { Limits } from './limits.ts';
import type { EndedBy } from './observer.ts';

/** What a backend asked of a connection whose `open` call is still running (G6); done in order once it is open. */
export class Early {
  readonly pushes: Message[] = [];
  #bytes = 0;
  close: { readonly code: number; readonly reason: string; readonly by: EndedBy } | null = null;

  /** False: there is no room for it. One message has room, however long. */
  add(message: Message, { inboxMessages, sendBufferBytes }: Pick<Limits, 'inboxMessages' | 'sendBufferBytes'>): boolean {
    const { length } = message.data;
    if (this.pushes.length >= inboxMessages || (this.#bytes > 0 && this.#bytes + length > sendBufferBytes)) return false;
    this.pushes.push(message);
    this.#bytes += length;
    return true;
  }
}

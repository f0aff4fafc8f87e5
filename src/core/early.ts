import type { Closer, Message } from './events.ts';
import type { Limits } from './limits.ts';

/** What a backend asked of a connection whose `open` call is still running (G6); done in order once it is open. */
export class Early {
  readonly pushes: Message[] = [];
  bytes = 0;
  close: { readonly code: number; readonly reason: string; readonly by: Closer } | null = null;
  /** The gateway leaves. */
  isGoodbye = false;

  /** The first has room, whatever its length. */
  hasRoom(bytes: number, { inboxMessages, sendBufferBytes }: Limits): boolean {
    return this.pushes.length < inboxMessages && (this.bytes === 0 || this.bytes + bytes <= sendBufferBytes);
  }

  add(message: Message): void {
    this.pushes.push(message);
    this.bytes += message.data.length;
  }
}

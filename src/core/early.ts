import type { Message } from './events.ts';
import type { EndedBy } from './observer.ts';

/** What a backend asked of a connection whose `open` call is still running (G6); done in order once it is open. */
export class Early {
  readonly pushes: Message[] = [];
  bytes = 0;
  close: { readonly code: number; readonly reason: string; readonly by: EndedBy } | null = null;

  add(message: Message): void {
    this.pushes.push(message);
    this.bytes += message.data.length;
  }
}

import type { ChildProcess } from 'node:child_process';

/** A two-way channel to another process of the same node. Messages arrive in order, each whole, or not at all. */
export interface Link {
  /** `written` is called when the message would survive this process. */
  send(message: object, written?: () => void): void;
  onMessage(handler: (message: object) => void): void;
}

export interface MortalLink extends Link {
  /** Called once, when the other process is gone; at once where it went before. */
  onEnd(handler: () => void): void;
}

/** Node's channel between parent and child process, as a Link. What is sent to a process that is gone is dropped. */
export function linkTo(peer: ChildProcess | NodeJS.Process): MortalLink {
  return {
    send(message, written = () => {}) {
      if (peer.connected) (peer as ChildProcess).send(message, written);
      else written();
    },
    onMessage: (handler) => void (peer as ChildProcess).on('message', handler),
    onEnd(handler) {
      if (peer.connected) peer.once('disconnect', handler);
      else handler();
    },
  };
}

import type { ChildProcess } from 'node:child_process';
import type { Link } from './core/link.ts';

/** Node's channel between parent and child process, as a Link. What is sent to a process that is gone is dropped. */
export function linkTo(peer: ChildProcess | NodeJS.Process): Link {
  return {
    send(message, written = () => {}) {
      if (peer.connected) (peer as ChildProcess).send(message, written);
      else written();
    },
    onMessage: (handler) => void (peer as ChildProcess).on('message', handler),
  };
}

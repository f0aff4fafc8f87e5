import type { Socket } from 'node:net';
import type { buildConnector } from 'undici';

/**
 * Wraps undici's connector so that each backend socket is held corked until the end of the turn of the event loop:
 * calls of one turn then leave in one write. undici corks and uncorks around every call; only the first counts here.
 */
export function corked(connect: buildConnector.connector): buildConnector.connector {
  return (options, callback) => {
    connect(options, (...args) => {
      if (args[0] === null) holdForTheTurn(args[1]);
      callback(...args);
    });
  };
}

function holdForTheTurn(socket: Socket): void {
  const cork = socket.cork.bind(socket);
  const uncork = socket.uncork.bind(socket);
  let isHeld = false;
  const release = (): void => {
    isHeld = false;
    uncork();
  };
  socket.cork = () => {
    if (isHeld) return;
    isHeld = true;
    cork();
    setImmediate(release);
  };
  socket.uncork = () => {};
}

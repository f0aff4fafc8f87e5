import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

/** A cable to a port of this machine that can be cut: nothing goes through any more, and nobody is told. */
export type Cable = {
  readonly port: number;
  readonly cut: () => void;
  readonly heal: () => void;
  readonly pause: () => void;
  readonly resume: () => void;
};

/** Listens on a free port and forwards to `port`. While it is cut connections stay, and new ones are taken and lead nowhere. */
export async function startCable(t: Pick<TestContext, 'after'>, port: number): Promise<Cable> {
  let isCut = false;
  let held: (() => void)[] | null = null;
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on('data', (data) => {
        if (isCut) return;
        if (held === null) other.write(data);
        else held.push(() => other.write(data));
      });
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        if (!isCut || socket === near) other.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return {
    port: (server.address() as AddressInfo).port,
    cut: () => {
      isCut = true;
    },
    /** What was sent meanwhile is lost, so its connections are, too. */
    heal: () => {
      isCut = false;
      for (const socket of sockets) socket.destroy();
    },
    pause: () => {
      held = [];
    },
    /** What was sent meanwhile arrives now. */
    resume: () => {
      const late = held ?? [];
      held = null;
      for (const deliver of late) deliver();
    },
  };
}

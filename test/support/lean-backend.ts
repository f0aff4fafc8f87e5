import { createServer, type AddressInfo, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

export type LeanCall = { readonly event: string; readonly id: string; readonly body: string };

const ACCEPT = 'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"code":"OK"}';

/** A backend that says OK to everything and costs little: it knows just the form in which the gateway calls. */
export async function startLeanBackend(t: Pick<TestContext, 'after'>, take: (call: LeanCall) => void): Promise<{ readonly url: string }> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    let pending = '';
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (chunk: Buffer) => {
      pending += chunk.toString('latin1');
      for (;;) {
        const end = pending.indexOf('\r\n\r\n');
        if (end < 0) return;
        const head = pending.slice(0, end);
        const stop = end + 4 + Number(headerOf(head, 'content-length') || 0);
        if (pending.length < stop) return;
        take({ event: headerOf(head, 'ws-event'), id: headerOf(head, 'ws-connection'), body: pending.slice(end + 4, stop) });
        pending = pending.slice(stop);
        socket.write(ACCEPT);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 4_096, resolve));
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/ws` };
}

function headerOf(head: string, name: string): string {
  const lower = head.indexOf(`\r\n${name}: `);
  if (lower < 0) return '';
  const start = lower + name.length + 4;
  const end = head.indexOf('\r\n', start);
  return end < 0 ? head.slice(start) : head.slice(start, end);
}

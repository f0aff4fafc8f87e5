import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { EventEmitter, once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { test } from 'node:test';
import websocket from '@fastify/websocket';
import fastify from 'fastify';
import { buildConnector, Client } from 'undici';
import { WebSocket, WebSocketServer } from 'ws';

/** What was patched, against which version, and what to look at before the version here is changed. */
const PATCHED: Readonly<Record<string, readonly [version: string, look: string]>> = {
  undici: [
    '8.12.4',
    'src/backends/http/lines.ts takes over read, write, cork and uncork of its sockets, and has them read past their streams (`onread`): test/backends/http/turn-writes.test.ts; and adds to the headers of its requests: party-headers.test.ts',
  ],
  ws: [
    '8.23.0',
    'src/edge/sockets/ws-socket.ts writes whole frames to its stream, reads its error codes and lets its receiver and stream end once; patient-web-socket.ts replaces its close timer and how it sends frames; accepting.ts does its handshake (`completeUpgrade`); plain-frames.ts reads before its receiver, whose state it looks at; unfinished.ts joins the pieces that this keeps; upgrade-request.ts and deflate-offer.ts make of a request what it reads',
  ],
  '@fastify/websocket': [
    '11.3.6',
    'src/edge/sockets/upgrading.ts takes its `error` listener off, plugin.ts calls its `upgrade` listener itself, and app/servers.ts takes that off',
  ],
  'find-my-way': ['9.10.1', 'src/edge/server/build.ts gives it a constraint of its own, `upgrade`'],
  fastify: ['5.12.8', 'src/edge/server/build.ts constrains routes by `upgrade`; dialects/wsaas/routes.ts hijacks the answer to a push'],
};

test('the libraries that are patched have the versions that the patches were written against', () => {
  for (const [name, [version, look]] of Object.entries(PATCHED)) {
    const { version: came } = JSON.parse(readFileSync(new URL(`../node_modules/${name}/package.json`, import.meta.url), 'utf8')) as {
      version: string;
    };
    assert.equal(came, version, `${name} is another version: ${look}`);
  }
});

test('@fastify/websocket puts one `error` listener on a socket, and one `upgrade` listener on a server', async (t) => {
  const server = fastify();
  await server.register(websocket);
  const told = new EventEmitter();
  server.route({
    method: 'GET',
    url: '/',
    handler: (_request, reply) => reply.code(404).send(),
    wsHandler: (socket: WebSocket) => void told.emit('counted', socket.listenerCount('error')),
  });
  await server.listen({ port: 0, host: '127.0.0.1' });
  t.after(() => server.close());
  assert.equal(server.server.listenerCount('upgrade'), 1);
  const counted = once(told, 'counted');
  const client = new WebSocket(`ws://127.0.0.1:${(server.server.address() as AddressInfo).port}`);
  t.after(() => client.terminate());
  assert.deepEqual(await counted, [1]);
});

test('Node keeps the answer of an upgraded request on its socket, from which it can be detached', async (t) => {
  const server = createServer((_request, response) => {
    const socket: (Socket & { _httpMessage?: ServerResponse }) | null = response.socket;
    const isKept = socket?._httpMessage === response && typeof response.detachSocket === 'function';
    response.end(String(isKept));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const asked = request({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', agent: false }).end();
  const [answer] = (await once(asked, 'response')) as [NodeJS.ReadableStream];
  const [body] = (await once(answer, 'data')) as [Buffer];
  assert.equal(body.toString(), 'true');
});

test('Node keeps on its socket which request is being read, and that it is not complete', async (t) => {
  const server = createServer((asked, response) => {
    const { parser } = asked.socket as Socket & { readonly parser?: { readonly incoming: unknown } };
    const isRead = parser?.incoming === asked && !asked.complete;
    asked.resume().on('end', () => response.end(`${String(isRead)} ${String(asked.complete)}`));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const asked = request({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', agent: false, method: 'PUT' }).end('body');
  const [answer] = (await once(asked, 'response')) as [NodeJS.ReadableStream];
  const [body] = (await once(answer, 'data')) as [Buffer];
  assert.equal(body.toString(), 'true true', 'src/edge/server/malformed.ts: what is broken would be answered twice, or never');
});

test('undici writes a call to its socket as one corked piece: head as latin1 text, body as bytes, and no callback', async (t) => {
  const server = createServer((asked, response) => void asked.resume().on('end', () => response.end('ok')));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const steps: string[] = [];
  const connector = buildConnector({ allowH2: false });
  const client = new Client(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
    allowH2: false,
    connect: (options, callback) =>
      connector(options, (...args) => {
        if (args[0] === null) record(args[1], steps);
        callback(...args);
      }),
  });
  t.after(() => client.destroy());
  for (const body of ['text', Buffer.from('bytes'), null]) {
    steps.length = 0;
    const { body: answer } = await client.request({ method: 'PUT', path: '/', headers: ['x-a', '1'], body });
    assert.equal(await answer.text(), 'ok');
    const head = 'write string latin1';
    assert.deepEqual(steps, body === null ? [head] : ['cork', head, 'write bytes', 'uncork'], String(body));
  }
});

test('undici publishes a request once it is made and before it is written, with its headers as a list that may grow', async (t) => {
  const heads: string[] = [];
  const server = createServer((asked, response) => {
    heads.push(asked.rawHeaders.join(' '));
    asked.resume().on('end', () => response.end('ok'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const client = new Client(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { allowH2: false });
  t.after(() => client.destroy());
  subscribe('undici:request:create', addHeaders);
  t.after(() => unsubscribe('undici:request:create', addHeaders));
  const { body } = await client.request({ method: 'PUT', path: '/', headers: ['x-a', '1'], body: 'text' });
  assert.equal(await body.text(), 'ok');
  assert.match(heads[0] ?? '', /x-a 1 x-b 2 x-c 3/, 'src/backends/http/lines.ts');
});

function addHeaders(message: unknown): void {
  (message as { readonly request: { readonly headers: string[] } }).request.headers.push('x-b', '2\r\nx-c: 3');
}

/** What a socket is asked to do with what is written to it. */
function record(socket: Socket, steps: string[]): void {
  const cork = socket.cork.bind(socket);
  const uncork = socket.uncork.bind(socket);
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  socket.cork = () => {
    steps.push('cork');
    cork();
  };
  socket.uncork = () => {
    steps.push('uncork');
    uncork();
  };
  socket.write = (...args: unknown[]) => {
    const [piece, ...rest] = args;
    steps.push(
      [
        'write',
        typeof piece === 'string' ? 'string' : 'bytes',
        ...rest.map((one) => (typeof one === 'function' ? 'callback' : String(one))),
      ].join(' '),
    );
    return write(...args);
  };
}

test('a stream of standard output has the switch that src/logs/output.ts turns', async () => {
  const { stdout } = spawnSync('sh', ['-c', `"${process.execPath}" -e 'console.log(typeof process.stdout._handle.setBlocking)' | cat`]);
  assert.equal(String(stdout), 'function\n', 'src/logs/output.ts: terminals, and pipes after a fork, would wait for their reader');
});

test('`ws` ends its receiver and its stream more than once, and Node makes an Error each time', async (t) => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  t.after(() => server.close());
  const connected = once(server, 'connection') as Promise<[WebSocket, IncomingMessage]>;
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  t.after(() => client.terminate());
  const [[socket, { socket: stream }]] = await Promise.all([connected, once(client, 'open')]);
  const { _receiver: receiver } = socket as unknown as { readonly _receiver: Writable };
  const ends: string[] = [];
  for (const [name, one] of [
    ['receiver', receiver],
    ['stream', stream],
  ] as const) {
    const end = one.end.bind(one) as (...args: unknown[]) => unknown;
    one.end = ((...args: unknown[]) => (ends.push(name), end(...args))) as never;
  }
  client.close(1000);
  await once(socket, 'close');
  const twice = ['receiver', 'stream'].filter((name) => ends.filter((one) => one === name).length > 1);
  assert.ok(twice.length > 0, 'endOnce in src/edge/sockets/ws-socket.ts is not needed any more');
});

import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

// The yardstick of `echo`: what `ws` does with nothing around it.

const { HOST = '127.0.0.1', PORT = '8080' } = process.env;
const server = createServer();
const webSockets = new WebSocketServer({ server, perMessageDeflate: false, maxPayload: 262_144 });
webSockets.on('connection', (socket) => {
  socket.on('message', (data: Buffer, isBinary: boolean) => socket.send(data, { binary: isBinary }));
  socket.on('error', () => {});
});
server.listen({ host: HOST, port: Number(PORT), backlog: 4_096 });
process.on('SIGTERM', () => process.exit(0));

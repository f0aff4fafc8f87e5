// What facil.io's quick example does: a client hears whatever it says. In this folder's project:
//   npm run build && PORT=8080 node examples/library/echo.ts
import { createGateway, type Handlers } from 'wsaas';

const echo: Handlers = {
  onOpen: (client) => console.log(`${client.id} comes from ${client.remoteAddress}`),
  onMessage: (client, data) => client.send(data), // text as text, bytes as bytes
  onShutdown: (client) => client.send('The server is shutting down, goodbye.'),
  onClose: (client, code) => console.log(`${client.id} left with ${code}`),
};

const gateway = await createGateway({
  options: { PORT: Number(process.env['PORT'] ?? 8080), LOG_LEVEL: 'WARN' },
  routes: [{ path: '/*', backend: echo }],
});
const { publicUrl } = await gateway.listen();
console.log(`echo listens on ${publicUrl}`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void gateway.close());

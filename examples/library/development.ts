// wsgateway's development helper as an extension: counts and tags everybody every 5 s, and lets in clients without sockets.
//   API_URI=http://localhost:3000/ws EXTENSIONS=./examples/library/development.ts SIMULATED=1000 npm start
import type { Gateway, Simulation } from 'wsaas';

const everyMs = Number(process.env['EVERY_MS'] ?? 5_000);
let timer: NodeJS.Timeout | undefined;
let crowd: Simulation | undefined;

export async function start(gateway: Gateway): Promise<void> {
  crowd = await gateway.simulate(Number(process.env['SIMULATED'] ?? 0), { tags: { foo: 'bar' } });
  timer = setInterval(() => void look(gateway), everyMs);
}

async function look(gateway: Gateway): Promise<void> {
  const { heapUsed } = process.memoryUsage();
  await gateway.setTags({ all: true }, { seen: '1' });
  const { sent } = await gateway.send({ foo: 'bar' }, 'routine message');
  console.log(`${await gateway.count()} clients, ${sent} were told, ${crowd?.received} frames, ${Math.round(heapUsed / 1e6)} MB`);
}

export async function stop(): Promise<void> {
  clearInterval(timer);
  await crowd?.leave();
}

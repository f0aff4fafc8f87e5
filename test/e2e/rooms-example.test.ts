import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { connect, type Client } from '../support/client.ts';
import { startGateway } from '../support/gateway.ts';
import { startProgram } from '../support/program.ts';
import { exampleRoutes } from '../support/routes-file.ts';
import { scrape } from '../support/scrape.ts';

const SERVER = fileURLToPath(new URL('../../examples/rooms/room-server.mjs', import.meta.url));

test('examples/rooms: people in a room hear each other and nobody else, though the server remembers nothing', async (t) => {
  const backend = await startProgram(t, { command: process.execPath, argv: [SERVER], url: /^room server: (http:\S+)/ });
  const routes = await exampleRoutes(t, 'rooms', backend.url);
  const gateway = await startGateway(t, { ROUTES_FILE: routes.path });
  const comeIn = (place: string) => connect(t, `${gateway.wsUrl}/rooms/${place}`);

  const ann = await comeIn('blue%26green?name=Ann');
  const ben = await comeIn('blue%26green?name=Ben');
  const zoe = await comeIn('red?name=Zoe');
  await heard(ann, 'Ben comes in');
  ann.ws.send('hello');
  await heard(ben, 'Ann: hello');
  ben.ws.send('hi');
  await heard(ann, 'Ben: hi');
  ben.ws.close(1000);
  await heard(ann, 'Ben is gone');

  zoe.ws.send('anybody?'); // nobody, as long as the server has told it to all before the next one comes
  while ((await scrape(gateway.controlUrl)).value('wsaas_messages_delivered_total') < 3) await sleep(10);
  const yan = await comeIn('red?name=Yan');
  await heard(zoe, 'Yan comes in');
  await heard(yan, 'Welcome, Yan. Others in room red: 1');
  const all = [ann, ben, zoe, yan].map(({ frames }) => frames.all.map(({ text }) => text));
  assert.deepEqual(all, [
    ['Welcome, Ann. Others in room blue&green: 0', 'Ben comes in', 'Ben: hi', 'Ben is gone'],
    ['Welcome, Ben. Others in room blue&green: 1', 'Ann: hello'],
    ['Welcome, Zoe. Others in room red: 0', 'Yan comes in'],
    ['Welcome, Yan. Others in room red: 1'],
  ]);
});

function heard({ frames }: Client, text: string): Promise<unknown> {
  return frames.first((frame) => frame.text === text);
}

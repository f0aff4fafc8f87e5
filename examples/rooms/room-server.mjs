// Chat rooms by a server that remembers nothing: dialect `wsaas`, plain Node, no dependency. Restart it, or run ten of it.
//
// The room is a tag that the gateway takes from the client's path (routes.yaml), the name is one that this server sets.
// Every event brings its client's tags (WS-Tags), and the gateway finds clients by them. Run it:
//
//   PORT=3000 node examples/rooms/room-server.mjs
//   ROUTES_FILE=examples/rooms/routes.yaml npm start    # then connect to ws://127.0.0.1:8080/rooms/blue?name=Ann

import { createServer } from 'node:http';

const answers = {
  async POST({ gateway, body }) {
    const { path, query } = JSON.parse(body);
    const room = decodeURIComponent(path.split('/').at(-1));
    const name = String(query.name ?? 'somebody').slice(0, 40);
    await say({ gateway, room }, `${name} comes in`); // to those inside: this client is still at the door
    const response = await fetch(`${gateway}/count?${new URLSearchParams({ room })}`);
    return { tags: { name }, message: `Welcome, ${name}. Others in room ${room}: ${await response.text()}` };
  },
  async PUT({ gateway, id, tags, body }) {
    await say({ gateway, room: tags.get('room'), exclude: id }, `${tags.get('name')}: ${body}`);
    return {};
  },
  async DELETE({ gateway, tags }) {
    await say({ gateway, room: tags.get('room') }, `${tags.get('name')} is gone`);
    return {};
  },
};

async function say({ gateway, ...selector }, text) {
  const response = await fetch(`${gateway}/send?${new URLSearchParams(selector)}`, { method: 'POST', body: text });
  if (!response.ok) throw new Error(`/send was answered ${response.status} ${await response.text()}`);
}

const server = createServer(async (request, response) => {
  const reply = (status, body) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  const { 'ws-uri': wsUri, 'ws-connection': id, 'ws-tags': tags } = request.headers;
  if (wsUri === undefined || !Object.hasOwn(answers, request.method)) return reply(400, { code: 'NO_EVENT' });
  const gateway = `http://${String(wsUri).slice(0, wsUri.lastIndexOf('/'))}`;
  try {
    const body = Buffer.concat(await request.toArray()).toString();
    return reply(200, { code: 'OK', ...(await answers[request.method]({ gateway, id, tags: new URLSearchParams(tags), body })) });
  } catch (error) {
    console.error(`room server: ${error.cause?.message ?? error.message}`);
    return reply(503, { code: 'TRY_AGAIN' }); // a message is held and sent again
  }
});

server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`room server: http://127.0.0.1:${server.address().port}`);
});

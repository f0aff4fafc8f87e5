// A whole chat server, without a WebSocket in it: dialect `wsaas`, plain Node, no dependency.
//
// The gateway tells it by HTTP what clients do, and it answers by HTTP to the address that each client has at the
// gateway, its `ws_uri`: PUT there sends a frame, DELETE closes. The list of clients lives in memory, which will do for
// a demo; a real backend keeps it where all of its processes see it. Try it with two commands, each in its own terminal:
//
//   PORT=3000 node examples/chat-backend.mjs
//   API_URI=http://127.0.0.1:3000 npm start         # then connect any WebSocket client to ws://127.0.0.1:8080/

import { createServer } from 'node:http';

const clients = new Set();

async function answer(request, body) {
  const { 'ws-uri': wsUri, 'content-type': type } = request.headers;
  switch (request.method) {
    case 'POST': {
      // open: accept, name the connection by a tag, greet
      const tags = { name: nameOf(body) };
      clients.add(wsUri);
      return { code: 'OK', tags, message: `Welcome. Clients here now: ${clients.size}` };
    }
    case 'PUT': // message
      clients.add(wsUri); // also after a restart of this backend
      await Promise.all([...clients].map((client) => push(client, body, type)));
      return { code: 'OK' };
    case 'DELETE': // close
      clients.delete(wsUri);
      return { code: 'OK' };
  }
}

function nameOf(body) {
  return String(JSON.parse(body).query.name ?? 'anonymous').slice(0, 40);
}

async function push(client, body, type) {
  try {
    const { status } = await fetch(`http://${client}`, { method: 'PUT', headers: { 'content-type': type }, body });
    if (status === 404) clients.delete(client); // its close event is on the way
  } catch (error) {
    console.error(`chat backend: no push to ${client}: ${error.cause?.message ?? error.message}`);
  }
}

const server = createServer(async (request, response) => {
  const reply = (status, body) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  if (request.headers['ws-uri'] === undefined) return reply(400, { code: 'NO_GATEWAY', message: 'a header WS-URI was wanted' });
  try {
    const verdict = await answer(request, Buffer.concat(await request.toArray()));
    return verdict ? reply(200, verdict) : reply(405, { code: 'UNKNOWN_METHOD' });
  } catch (error) {
    return reply(400, { code: 'BAD_REQUEST', message: error.message });
  }
});

server.listen(Number(process.env.PORT ?? 3000), process.env.HOST ?? '127.0.0.1', () => {
  console.log(`chat backend: http://${server.address().address}:${server.address().port}`);
});

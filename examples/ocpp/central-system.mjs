// A central system for charge points without a WebSocket in it: dialect `ocpp`, plain Node, no dependency.
//
// What a station calls comes as POST /call/<Action>/<Station>/<MessageId>, and the answer is the response. After a boot it
// calls the station itself: a POST to the gateway, which `?wait` makes answer with what the station said. Run it:
//
//   PORT=3000 node examples/ocpp/central-system.mjs
//   ROUTES_FILE=examples/ocpp/routes.yaml npm start     # then point a station at ws://127.0.0.1:8080/ocpp

import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';

const actions = {
  BootNotification: () => ({ status: 'Accepted', currentTime: new Date().toISOString(), interval: 300 }),
  Heartbeat: () => ({ currentTime: new Date().toISOString() }),
  StatusNotification: () => ({}),
};

/** Calls a station and waits for its answer: a result, or an error with `code`, `description` and `details`. */
async function call({ gateway, station, action, payload }) {
  const url = `${gateway}/call/${action}/${encodeURIComponent(station)}/${randomUUID()}?wait=10000`;
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(payload) });
  console.log(`${station}: ${action} was answered ${response.status} ${await response.text()}`);
}

function answer(request, body) {
  const [kind, ...rest] = request.url.slice(1).split('/').map(decodeURIComponent);
  if (kind === 'connect') {
    const [station] = rest;
    console.log(`${station}: ${request.method === 'POST' ? `connects by ${request.headers['ws-subprotocol']}` : 'left'}`);
    return [204];
  }
  if (kind !== 'call') return [204]; // result and error: of calls that nobody waits for
  const [action, station] = rest;
  if (!Object.hasOwn(actions, action)) return [501, { code: 'NotImplemented', description: `no ${action} here`, details: {} }];
  if (action === 'BootNotification') {
    console.log(`${station}: boots ${JSON.stringify(JSON.parse(body))}`);
    const wsUri = request.headers['ws-uri']; // <gateway>/<station>
    const gateway = `http://${wsUri.slice(0, wsUri.lastIndexOf('/'))}`;
    const trigger = { gateway, station, action: 'TriggerMessage', payload: { requestedMessage: 'StatusNotification' } };
    call(trigger).catch((error) => console.error(`${station}: ${error.message}`));
  }
  return [200, actions[action]()];
}

const server = createServer(async (request, response) => {
  const [status, body] = answer(request, Buffer.concat(await request.toArray()).toString());
  response.writeHead(status, { 'content-type': 'application/json' }).end(body && JSON.stringify(body));
});

server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`central system: http://127.0.0.1:${server.address().port}`);
});

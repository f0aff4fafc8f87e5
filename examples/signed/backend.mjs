// An echo backend for dialect `wsaas` that takes signed events only (Standard Webhooks), with nothing but Node. Run it:
//
//   export WEBHOOK_SECRETS="whsec_$(head -c 32 /dev/urandom | base64)"
//   PORT=3000 node examples/signed/backend.mjs
//   API_URI=http://127.0.0.1:3000 npm start         # then connect any WebSocket client to ws://127.0.0.1:8080/
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

const TOLERANCE_SECONDS = 300;
const keys = process.env.WEBHOOK_SECRETS.split(',').map((secret) => Buffer.from(secret.trim().replace(/^whsec_/, ''), 'base64'));
if (keys.some(({ length }) => length < 24)) throw new Error('WEBHOOK_SECRETS must hold secrets as the gateway has them');

/** Did somebody who knows one of the secrets sign this very body, for this very event, within the last minutes? */
function isSigned(headers, body) {
  const { 'webhook-id': id = '', 'webhook-timestamp': timestamp = '', 'webhook-signature': signatures = '' } = headers;
  if (id !== headers['ws-event-id'] || !(Math.abs(Date.now() / 1000 - Number(timestamp)) <= TOLERANCE_SECONDS)) return false;
  const wanted = keys.map((key) => createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest());
  return signatures
    .split(' ')
    .filter((signature) => signature.startsWith('v1,'))
    .map((signature) => Buffer.from(signature.slice(3), 'base64'))
    .some((given) => wanted.some((own) => given.length === own.length && timingSafeEqual(given, own)));
}

const server = createServer(async (request, response) => {
  const body = Buffer.concat(await Array.fromAsync(request));
  if (!isSigned(request.headers, body)) {
    response.writeHead(401).end();
    return;
  }
  if (request.method === 'PUT') {
    await fetch(`http://${String(request.headers['ws-uri'])}`, { method: 'PUT', body: `You said: ${String(body)}` });
  }
  response.writeHead(200, { 'content-type': 'application/json' }).end('{"code":"OK"}');
});
server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`signed backend: http://127.0.0.1:${server.address().port}`);
});

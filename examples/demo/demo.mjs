// `npm run demo`: the gateway, examples/chat-backend.mjs behind it, and a page to try them from.
//
//   npm run demo                                   # ports 8080, 3000 and 8000, or free ones where these are taken
//   PORT=9000 BACKEND_PORT=9001 PAGE_PORT=9002 npm run demo
//
// Everything listens on the loopback interface only. Ctrl-C ends it.

import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { startChild } from './child.mjs';
import { startPageServer } from './page-server.mjs';
import { startRecorder } from './recorder.mjs';

const { PATH, WSAAS_MAIN, PORT = '8080', BACKEND_PORT = '3000', PAGE_PORT = '8000' } = process.env;
const GATEWAY = WSAAS_MAIN ?? fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const BACKEND = fileURLToPath(new URL('../chat-backend.mjs', import.meta.url));
const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** What runs, in the order of its start; ended in the reverse order, so that the backend hears of every close. */
const running = [];
let isEnding = false;

for (const signal of ENDING_SIGNALS) process.on(signal, () => void end(0)); // npm passes Ctrl-C on, so it may come twice

try {
  await start();
} catch (error) {
  await end(1, error.message);
}

async function start() {
  const page = started(await startPageServer(await freePort(PAGE_PORT)), 'close');
  const backend = started(
    await startChild('chat backend', BACKEND, {
      env: { PATH, PORT: String(await freePort(BACKEND_PORT)) },
      readiness: (line) => /^chat backend: (http:\S+)/.exec(line)?.[1],
      onDeath,
    }),
    'stop',
  );
  const recorder = started(
    await startRecorder({
      backendUrl: backend.url,
      onCall(call) {
        page.show(call);
        if (call.method === 'POST' && call.status === 200) announce(call.wsUri);
      },
    }),
    'close',
  );
  const port = String(await freePort(PORT));
  const gateway = started(
    await startChild('gateway', GATEWAY, {
      env: {
        PATH,
        HOST: '127.0.0.1',
        PORT: port,
        ...(port !== '0' && { WS_HOSTNAME: `127.0.0.1:${port}` }),
        API_URI: recorder.url,
        ORIGINS: [page.url, page.url.replace('127.0.0.1', 'localhost')].join(),
        DRAIN_MS: '200',
      },
      readiness: readGatewayLine,
      onDeath,
    }),
    'stop',
  );
  page.introduce({ gateway: gateway.url.replace('http', 'ws'), backend: backend.url });
  process.stdout.write(
    `\n  Open  ${page.url}\n\n  gateway  ${gateway.url.replace('http', 'ws')}\n  backend  ${backend.url}  (examples/chat-backend.mjs)\n\n` +
      '  For each client that connects, two lines to try from another terminal appear here. Ctrl-C ends the demo.\n',
  );
}

function announce(wsUri) {
  process.stdout.write(
    `\n  A client is in. Push to it, or close it:\n    curl -X PUT http://${wsUri} -d 'Hello from the terminal'\n` +
      `    curl -X DELETE 'http://${wsUri}?code=4001&reason=bye'\n`,
  );
}

/** The gateway logs JSON lines. Its start line says where it listens; its warnings are worth a look. */
function readGatewayLine(line) {
  if (!line.startsWith('{')) return undefined;
  const entry = JSON.parse(line);
  if (entry.level >= 40) process.stderr.write(`  gateway: ${line}\n`);
  return entry.msg === 'wsaas serves' ? entry.publicUrl : undefined;
}

/** The port itself if it can be had, else 0, for which the system chooses a free one. */
async function freePort(wanted) {
  const port = Number(wanted);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`a port between 0 and 65535 was wanted, ${wanted} came`);
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(0));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(port)));
  });
}

function started(part, ending) {
  running.push(() => part[ending]());
  return part;
}

function onDeath(story) {
  void end(1, story);
}

async function end(exitCode, complaint) {
  if (isEnding) return;
  isEnding = true;
  process.stderr.write(complaint === undefined ? '\n  Ending, clients are told goodbye.\n' : `\n${complaint}\n`);
  for (const stop of running.toReversed()) await stop();
  process.exit(exitCode);
}

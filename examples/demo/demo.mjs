// `npm run demo`: the gateway, examples/chat-backend.mjs behind it, and a page to try them from.
//
//   npm run demo                                   # ports 8080, 3000 and 8000, or free ones where these are taken
//   PORT=9000 BACKEND_PORT=9001 PAGE_PORT=9002 npm run demo
//   npm run demo -- --cluster                      # three gateways joined by a Redis or NATS that is on the machine
//   npm run demo -- --aws                          # Lambda handlers written for AWS (examples/aws-chat), run by `wsaas dev`
//
// Everything listens on the loopback interface only. Ctrl-C ends it.

import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { startAws } from './aws.mjs';
import { startChild } from './child.mjs';
import { startEngine } from './engine.mjs';
import { startNodes } from './nodes.mjs';
import { startPageServer } from './page-server.mjs';
import { startRecorder } from './recorder.mjs';

const isCluster = process.argv.includes('--cluster');
const { PATH, CLUSTER_URL, WSAAS_MAIN, PORT = '8080', BACKEND_PORT = '3000', PAGE_PORT = '8000' } = process.env;
const GATEWAY = WSAAS_MAIN ?? fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const BACKEND = fileURLToPath(new URL('../chat-backend.mjs', import.meta.url));
const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** What runs, in the order of its start; ended in the reverse order, so that the backend hears of every close. */
const running = [];
let isEnding = false;

for (const signal of ENDING_SIGNALS) process.on(signal, () => void end(0)); // npm passes Ctrl-C on, so it may come twice

try {
  await (process.argv.includes('--aws') ? startWithAws() : start());
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
  let nodes = null;
  const recorder = started(
    await startRecorder({
      backendUrl: backend.url,
      onCall(call) {
        page.show(call);
        if (call.method === 'POST' && call.status === 200) announce(call.wsUri, nodes?.other(call.wsUri));
        if (isCluster && call.method !== 'PUT') setTimeout(tellHolders, 50); // once the gateway has had the answer
      },
    }),
    'close',
  );
  const engine = isCluster ? started(await startEngine({ url: CLUSTER_URL, port: await knownPort(), onDeath }), 'stop') : null;
  nodes = started(
    await startNodes({
      main: GATEWAY,
      count: isCluster ? 3 : 1,
      ports: isCluster ? [await knownPort(PORT), await knownPort(), await knownPort()] : [await freePort(PORT)],
      engineUrl: engine?.url,
      env: {
        PATH,
        HOST: '127.0.0.1',
        API_URI: recorder.url,
        ORIGINS: [page.url, page.url.replace('127.0.0.1', 'localhost')].join(),
        DRAIN_MS: '200',
        CONTROL_ALLOW: '127.0.0.0/8',
        CONSOLE_PAYLOADS: 'plain',
      },
      onDeath: isCluster ? (name, story) => lost(name, story) : (_name, story) => onDeath(story),
    }),
    'stop',
  );
  const places = nodes.all.map(({ name, url, pid }) => ({ name, pid, url: url.replace('http', 'ws') }));
  page.introduce({ gateway: places[0].url, backend: backend.url, ...(isCluster && { nodes: places }) });
  process.stdout.write(
    `\n  Open  ${page.url}\n  and, to see the gateway at work,  ${places[0].url.replace('ws', 'http')}/console\n\n${places.map(({ name, url, pid }) => `  ${isCluster ? `${name}, pid ${pid}:` : name}  ${url}\n`).join('')}` +
      `  backend  ${backend.url}  (examples/chat-backend.mjs)\n${engine === null ? '' : `  engine   ${engine.url}\n`}\n` +
      '  For each client that connects, two lines to try from another terminal appear here. Ctrl-C ends the demo.\n' +
      (isCluster ? '  Kill one of the three (kill -9 <pid>): after about 3 s another one tells the ends of its clients.\n' : ''),
  );

  async function tellHolders() {
    if (nodes !== null) page.tell('holders', await nodes.holders());
  }
}

async function startWithAws() {
  const page = started(await startPageServer(await freePort(PAGE_PORT)), 'close');
  const gateway = started(
    await startAws({
      main: GATEWAY,
      port: await freePort(PORT),
      path: PATH,
      onCall(call) {
        page.show(call);
        if (call.method === 'CONNECT') announceAws(call.wsUri);
      },
      onDeath,
    }),
    'stop',
  );
  page.introduce({ gateway: gateway.url, handlers: 'examples/aws-chat' });
  process.stdout.write(
    `\n  Open  ${page.url}\n\n  gateway  ${gateway.url}\n  handlers  examples/aws-chat, unmodified Lambda handlers; change one, and it is loaded anew\n\n` +
      '  For each client that connects, two lines to try from another terminal appear here. Ctrl-C ends the demo.\n',
  );
}

function announceAws(wsUri) {
  process.stdout.write(
    `\n  A client is in. Push to it, or close it, as an SDK of AWS does:\n    curl -X POST http://${wsUri} -d 'Hello from the terminal'\n` +
      `    curl -X DELETE 'http://${wsUri}?code=4001&reason=bye'\n`,
  );
}

function lost(name, story) {
  process.stderr.write(`\n  ${name} is gone; the others serve on, and tell the ends of its clients.\n${isEnding ? '' : `${story}\n`}`);
}

function announce(wsUri, other) {
  const id = wsUri.slice(wsUri.indexOf('/'));
  process.stdout.write(
    `\n  A client is in. Push to it, or close it:\n    curl -X PUT http://${wsUri} -d 'Hello from the terminal'\n` +
      `    curl -X DELETE 'http://${wsUri}?code=4001&reason=bye'\n` +
      (other === undefined || !isCluster
        ? ''
        : `  The same push by way of another gateway:\n    curl -X PUT ${other}${id} -d 'Hello across'\n`),
  );
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

/** The same, but never 0: others are told of it before anybody listens there. */
async function knownPort(wanted = '0') {
  const port = await freePort(wanted);
  return new Promise((resolve) => {
    const probe = createServer().listen(port, '127.0.0.1', () => {
      const taken = probe.address().port;
      probe.close(() => resolve(taken));
    });
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

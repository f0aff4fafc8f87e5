// Serves the demo's page, and `/calls`: what the backend received, live, as Server-Sent Events.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';

const KEPT_CALLS = 100;
const FILES = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/page.css': ['page.css', 'text/css; charset=utf-8'],
  '/page.js': ['page.js', 'text/javascript; charset=utf-8'],
  '/timeline.js': ['timeline.js', 'text/javascript; charset=utf-8'],
};

/** Listens on `port` of the loopback interface. `show` adds a call to every open page, `introduce` says where the parts are. */
export async function startPageServer(port) {
  const calls = [];
  const pages = new Set();
  let parts = null;
  const last = new Map();

  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://page');
    if (pathname === '/calls') return stream(response);
    const [name, type] = FILES[pathname] ?? [];
    if (name === undefined) return response.writeHead(404).end();
    const content = await readFile(new URL(`page/${name}`, import.meta.url));
    response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' }).end(content);
  });

  function stream(response) {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    pages.add(response);
    response.on('close', () => pages.delete(response));
    if (parts !== null) send(response, 'parts', parts);
    for (const call of calls) send(response, 'call', call);
    for (const [type, data] of last) send(response, type, data);
  }

  await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    introduce(known) {
      parts = known;
      for (const page of pages) send(page, 'parts', parts);
    },
    /** Tells every page; who comes later hears the last of each type. */
    tell(type, data) {
      last.set(type, data);
      for (const page of pages) send(page, type, data);
    },
    show(call) {
      calls.push(call);
      if (calls.length > KEPT_CALLS) calls.shift();
      for (const page of pages) send(page, 'call', call);
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function send(page, type, data) {
  page.write(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
}

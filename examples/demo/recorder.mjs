// Stands between the gateway and a backend, passes every HTTP call through unchanged, and tells what it saw.

import { isUtf8 } from 'node:buffer';
import { createServer, request as callBackend } from 'node:http';

const SHOWN_BODY_CHARACTERS = 2_000;
/** Those that a backend works with. WS-Connection repeats the end of WS-URI; cookies stay out of the page. */
const SHOWN_HEADERS = /^(ws-(?!connection).+|content-type|origin|authorization)$/;

/**
 * Listens on a free port of its own. `onCall` gets one record per call, once the backend has answered it.
 * @param {{ backendUrl: string, onCall: (call: object) => void }} options
 */
export async function startRecorder({ backendUrl, onCall }) {
  const server = createServer(async (request, response) => {
    const at = Date.now();
    try {
      const body = Buffer.concat(await request.toArray());
      const answer = await pass(backendUrl, request, body);
      onCall({ ...seen(request, body), at, status: answer.status, answer: textOf(answer.body) });
      response.writeHead(answer.status, answer.headers).end(answer.body);
    } catch (error) {
      response.writeHead(502).end(`the backend could not be asked: ${error.message}\n`);
    }
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function pass(backendUrl, { method, url, headers }, body) {
  return new Promise((resolve, reject) => {
    const call = callBackend(new URL(url, backendUrl), { method, headers }, async (answer) => {
      try {
        const chunks = await answer.toArray();
        const { connection: _hopByHop, 'transfer-encoding': _framing, ...passed } = answer.headers;
        resolve({ status: answer.statusCode, headers: passed, body: Buffer.concat(chunks) });
      } catch (error) {
        reject(error);
      }
    });
    call.on('error', reject);
    call.end(body);
  });
}

function seen({ method, url, headers }, body) {
  const shown = Object.entries(headers).filter(([name]) => SHOWN_HEADERS.test(name));
  return { method, path: url, headers: Object.fromEntries(shown), body: textOf(body), wsUri: headers['ws-uri'] ?? null };
}

function textOf(body) {
  if (!isUtf8(body)) return `${body.length} bytes, binary: ${body.toString('hex', 0, 48)}${body.length > 48 ? '…' : ''}`;
  const text = body.toString();
  return text.length > SHOWN_BODY_CHARACTERS ? `${text.slice(0, SHOWN_BODY_CHARACTERS)}…` : text;
}

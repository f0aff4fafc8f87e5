// `npm run demo -- --aws`: examples/aws-chat, Lambda handlers written for AWS, run by `wsaas dev`.

import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startChild } from './child.mjs';

const TEMPLATE = fileURLToPath(new URL('../aws-chat/serverless.yml', import.meta.url));

/**
 * Resolves once clients can connect to `url`. `onCall` gets one record per run of a handler.
 * @param {{ main: string, port: number, path: string, onCall: (call: object) => void, onDeath: (story: string) => void }} options
 */
export async function startAws({ main, port, path, onCall, onDeath }) {
  const table = `wsaas-demo-${randomUUID()}`;
  let base = '';
  const child = await startChild('gateway', [process.execPath, main, 'dev', TEMPLATE, '--port', String(port), '--json', '--events'], {
    env: { PATH: path, HOME: homedir(), CHAT_TABLE: table },
    readiness(line) {
      const said = read(line);
      if (said?.type === 'ran') onCall(callOf(said, base));
      const url = said?.type === 'told' ? /ws:\S+/.exec(said.text)?.[0] : undefined;
      if (url !== undefined) base = url.replace(/^ws:\/\//, '');
      return url;
    },
    onDeath,
  });
  return {
    url: child.url,
    /** `host/stage/@connections` */
    base,
    async stop() {
      await child.stop();
      await rm(join(tmpdir(), table), { recursive: true, force: true });
    },
  };
}

function read(line) {
  try {
    return JSON.parse(line);
  } catch {
    return null; // a warning of Node's, say
  }
}

/** As the page shows it: the event in the place of an HTTP call. */
function callOf({ at, routeKey, connectionId, durationMs, result, event, answer }, base) {
  const { requestContext, body } = JSON.parse(event);
  return {
    at,
    method: requestContext.eventType,
    path: routeKey,
    headers: { duration: `${durationMs.toFixed(1)} ms`, connectionId, ...(body !== undefined && { body }) },
    body: event,
    wsUri: `${base}/@connections/${encodeURIComponent(connectionId)}`,
    status: result,
    answer,
  };
}

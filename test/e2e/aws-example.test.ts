import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect as connectTcp, type AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { createServer } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { startApp } from '../support/app.ts';
import { trustedCertificate } from '../support/certificate.ts';
import { connect } from '../support/client.ts';
import { startProgram } from '../support/program.ts';
import { routesFile } from '../support/routes-file.ts';

const SERVER = fileURLToPath(new URL('../../examples/aws/server.mjs', import.meta.url));
const ROUTES = new URL('../../examples/aws/routes.yaml', import.meta.url);

/** What stands before a gateway that has no TLS of its own. */
async function tlsBefore(t: TestContext, files: { readonly certFile: string; readonly keyFile: string }) {
  const to = { port: 0 };
  const server = createServer({ cert: readFileSync(files.certFile), key: readFileSync(files.keyFile) }, (socket) => {
    const inner = connectTcp(to.port, '127.0.0.1');
    for (const [from, into] of [
      [socket, inner],
      [inner, socket],
    ] as const)
      from.on('error', () => into.destroy()).pipe(into);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { port: (server.address() as AddressInfo).port, to };
}

test('examples/aws: a handler as it is written for AWS broadcasts by https://domainName/stage, and takes out who is gone', async (t) => {
  const certificate = await trustedCertificate(t);
  const tls = await tlsBefore(t, certificate);
  const env = {
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'any',
    AWS_SECRET_ACCESS_KEY: 'any',
    NODE_EXTRA_CA_CERTS: certificate.certFile,
  };
  const backend = await startProgram(t, {
    command: 'env',
    argv: [...Object.entries(env).map(([name, value]) => `${name}=${value}`), process.execPath, SERVER],
    url: /^handler: (http:\S+)/,
  });
  const text = readFileSync(ROUTES, 'utf8')
    .replace('http://127.0.0.1:3000', backend.url)
    .replace('localhost:8443', `localhost:${tls.port}`);
  const gateway = await startApp(t, { ROUTES_FILE: (await routesFile(t, text)).path });
  tls.to.port = Number(new URL(gateway.publicUrl).port);

  const ann = await connect(t, `${gateway.wsUrl}/prod?name=Ann`);
  const ben = await connect(t, `${gateway.wsUrl}/prod?name=Ben`);
  ann.ws.send('{"action":"sendmessage","message":"hello"}');
  for (const { frames } of [ann, ben]) assert.equal((await frames.first(() => true)).text, 'Ann: hello');
  ben.ws.terminate();
  ann.ws.send('{"action":"sendmessage","message":"still there?"}');
  assert.equal((await ann.frames.atLeast(2))[1]?.text, 'Ann: still there?');
  ann.ws.send('what?');
  assert.equal((await ann.frames.atLeast(3))[2]?.text, 'send {"action":"sendmessage","message":"…"}');
  assert.deepEqual(backend.lines.all.length, 1, backend.lines.all.join('\n'));
});

import assert from 'node:assert/strict';
import { after, before, test, type TestContext } from 'node:test';
import { startAuthority, type Authority, type Issued } from '../support/authority.ts';
import { ask } from '../support/ask.ts';
import { startBackend } from '../support/backend.ts';
import { connect } from '../support/client.ts';
import { startGateway } from '../support/gateway.ts';
import { attackHalfOpen } from '../support/half-open.ts';
import { Stopwatch } from '../support/machine.ts';
import { readScrape } from '../support/scrape.ts';

const ATTACKERS = 5_000;
const LONGEST_MS = 1_000;

const closers: (() => unknown)[] = [];
let ca: Authority;
let own: Issued;

before(async () => {
  ca = await startAuthority({ after: (close) => void closers.push(close as () => unknown) });
  own = await ca.issue('gateway');
});
after(async () => {
  for (const close of closers) await close();
});

async function scene(t: TestContext, env: Record<string, string>) {
  const backend = await startBackend(t);
  const tls = { TLS_CERT_FILE: own.certFile, TLS_KEY_FILE: own.keyFile };
  const gateway = await startGateway(t, { API_URI: backend.url, ...tls, ...env });
  return { gateway, backend, port: new URL(gateway.publicUrl).port };
}

for (const [kind, timeoutMs] of [
  ['says nothing', 4_000],
  ['begins to say hello', 4_000],
  ['dribbles a request', 600_000], // its end is the next test's: so many handshakes take their time, and the first would end before the last
] as const)
  test(`5,000 connections of which each ${kind} do not keep a good client from connecting within 1 s`, async (t) => {
    const { gateway, backend, port } = await scene(t, {
      HANDSHAKE_TIMEOUT_MS: String(timeoutMs),
      MAX_CONNECTIONS: '1',
      MAX_CONNECTIONS_PER_IP: '1',
    });
    const attack = attackHalfOpen(t, kind, { port, count: ATTACKERS });
    await attack.areInside(ATTACKERS);
    const watch = new Stopwatch([gateway.pid]);
    const start = watch.read();
    const good = await connect(t, gateway.wsUrl, { ca: ca.cert });
    const tookMs = watch.read() - start;
    assert.ok(tookMs < LONGEST_MS, `${tookMs.toFixed(0)} ms`);
    const { body } = await ask(`${gateway.controlUrl}/metrics`, { tls: { ca: ca.cert } });
    const strangers = readScrape(body).value('wsaas_http_sockets');
    assert.ok(strangers > ATTACKERS / 2, `${strangers} were there beside the good client, and are counted as strangers`);
    good.ws.send('in');
    await backend.calls.first(({ text }) => text === 'in');
    if (kind === 'dribbles a request') return;
    await attack.haveEnded(ATTACKERS, 4 * timeoutMs);
    assert.equal(good.ws.readyState, good.ws.OPEN);
  });

test('who dribbles a request over TLS has HANDSHAKE_TIMEOUT_MS for it, as without', async (t) => {
  const { port } = await scene(t, { HANDSHAKE_TIMEOUT_MS: '500' });
  const attack = attackHalfOpen(t, 'dribbles a request', { port, count: 20 });
  await attack.areInside(20);
  await attack.haveEnded(20, 10_000);
});

test('handshakes that are not done are sockets of strangers: over MAX_HTTP_SOCKETS the quietest are dropped, and clients are not', async (t) => {
  const { gateway, port } = await scene(t, { MAX_HTTP_SOCKETS: '10' });
  const good = await connect(t, gateway.wsUrl, { ca: ca.cert });
  const attack = attackHalfOpen(t, 'begins to say hello', { port, count: 30 });
  await attack.haveEnded(20, 5_000);
  await connect(t, gateway.wsUrl, { ca: ca.cert });
  assert.equal(good.ws.readyState, good.ws.OPEN);
});

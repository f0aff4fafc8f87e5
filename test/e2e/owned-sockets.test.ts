import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import { suite, test, type TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { startBackend } from '../support/backend.ts';
import { connect } from '../support/client.ts';
import { startGateway, type GatewayProcess } from '../support/gateway.ts';
import { ok } from '../support/guests.ts';
import { routesFile } from '../support/routes-file.ts';
import { openRaw, upgradeRequest, type RawSocket } from '../support/raw-socket.ts';

/** Sockets of a process. */
function socketsOf({ pid }: GatewayProcess): number {
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith('socket:');
    } catch {
      return false; // closed meanwhile
    }
  }).length;
}

async function until(isTrue: () => boolean, what: () => string, patienceMs = 8_000): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!isTrue()) {
    if (performance.now() > end) throw new Error(what());
    await turn();
  }
}

/** A peer that keeps its half of the connection open whatever happens. */
async function stubborn(t: TestContext, gateway: GatewayProcess, bytes: string): Promise<RawSocket> {
  const raw = await openRaw(t, gateway.publicUrl);
  raw.socket.allowHalfOpen = true;
  raw.write(bytes);
  return raw;
}

const LONG_CODE = 'C'.repeat(200);

const REFUSALS: Readonly<Record<string, string>> = {
  'no route': upgradeRequest({ path: '/nobody/here' }),
  'a path that cannot be decoded': upgradeRequest({ path: '/%' }),
  'a path that is not UTF-8': upgradeRequest({ path: '/%ff%fe' }),
  'a path that is too long': upgradeRequest({ path: `/chat/${'x'.repeat(5_000)}` }),
  'a bad key': upgradeRequest({ path: '/chat/a', headers: { 'Sec-WebSocket-Key': 'short' } }),
  'another version': upgradeRequest({ path: '/chat/a', headers: { 'Sec-WebSocket-Version': '12' } }),
  'no Host': upgradeRequest({ path: '/chat/a', headers: { Host: null } }),
  'two Hosts': upgradeRequest({ path: '/chat/a', extra: 'Host: b\r\n' }),
  'a Host with a user': upgradeRequest({ path: '/chat/a', headers: { Host: 'user@gateway' } }),
  'HTTP/1.0': upgradeRequest({ path: '/chat/a', version: '1.0' }),
  'a body': upgradeRequest({ path: '/chat/a', extra: 'Content-Length: 5\r\n' }) + 'hello',
  'a chunked body': upgradeRequest({ path: '/chat/a', extra: 'Transfer-Encoding: chunked\r\n' }),
  'another method': upgradeRequest({ path: '/chat/a', method: 'POST' }),
  'a wrong Origin': upgradeRequest({ path: '/chat/a', headers: { Origin: 'https://evil.example' } }),
  'a no of the backend': upgradeRequest({ path: '/chat/no' }),
  'a long code of the backend': upgradeRequest({ path: '/close/long' }),
  'an answer that cannot be read': upgradeRequest({ path: '/close/garbage' }),
  'a no, told by a close frame': upgradeRequest({ path: '/close/no' }),
  'an upgrade behind a request that is still answered': `GET /livez HTTP/1.1\r\nHost: gateway\r\n\r\n${upgradeRequest({ path: '/chat/a' })}`,
  'an upgrade behind a push': `PUT /nobody HTTP/1.1\r\nHost: gateway\r\nContent-Length: 1\r\n\r\nx${upgradeRequest({ path: '/chat/a' })}`,
  'two upgrades': upgradeRequest({ path: '/chat/no' }) + upgradeRequest({ path: '/chat/no' }),
};

async function scene(t: TestContext, env: Record<string, string> = {}): Promise<GatewayProcess> {
  const backend = await startBackend(t, (call) => {
    const { path } = JSON.parse(call.text) as { path?: string };
    if (path?.endsWith('/long')) return { body: JSON.stringify({ code: LONG_CODE }) };
    if (path?.endsWith('/garbage')) return { body: 'no JSON' };
    return path?.endsWith('/no') ? { body: '{"code":"ÜÜ NEIN"}' } : ok();
  });
  const { path } = await routesFile(
    t,
    `routes:
  - { path: "/chat/:room", backend: "${backend.url}", origins: ["https://app.example.com"] }
  - { path: "/close/:room", backend: "${backend.url}", refuseWith: close }
`,
  );
  return startGateway(t, {
    ROUTES_FILE: path,
    HANDSHAKE_TIMEOUT_MS: '1500',
    CLOSE_TIMEOUT_MS: '500',
    BACKEND_CONNECTIONS: '1',
    COMPRESSION: 'on',
    ...env,
  });
}

suite('every socket has an owner and an end', { concurrency: 2 }, () => {
  test('no refusal leaves a socket behind, though its peer never ends its own half', async (t) => {
    const gateway = await scene(t);
    const client = await connect(t, `${gateway.wsUrl}/chat/warm-up`);
    client.ws.terminate();
    await client.ended;
    const before = socketsOf(gateway);
    for (const [what, bytes] of Object.entries(REFUSALS)) {
      const raws = await Promise.all(Array.from({ length: 3 }, () => stubborn(t, gateway, bytes)));
      await until(
        () => socketsOf(gateway) <= before,
        () => `${what}: ${socketsOf(gateway) - before} sockets are left`,
      );
      for (const { socket } of raws) socket.destroy();
    }
  });

  test('a refusal by a close frame says as much of a long code as a close frame holds', async (t) => {
    const gateway = await scene(t);
    const { ended } = await connect(t, `${gateway.wsUrl}/close/long`);
    assert.deepEqual(await ended, { code: 4403, reason: LONG_CODE.slice(0, 123) });
  });

  test('strangers’ sockets are bounded, the quietest goes first, and clients and known callers come in', async (t) => {
    const gateway = await scene(t, { MAX_HTTP_SOCKETS: '20' });
    const before = socketsOf(gateway);
    const idle: RawSocket[] = [];
    for (let index = 0; index < 60; index += 1) {
      const raw = await openRaw(t, gateway.publicUrl);
      raw.write('GET /livez HTTP/1.1\r\nHost: gateway\r\n\r\n');
      assert.equal((await raw.answer).status, 200);
      idle.push(raw);
    }
    await Promise.all(idle.slice(0, 40).map(({ ended }) => ended));
    const left = socketsOf(gateway) - before;
    assert.ok(left <= 20, `${left} sockets`);
    for (let index = 0; index < 30; index += 1) await connect(t, `${gateway.wsUrl}/chat/${index}`);
    assert.equal(await (await fetch(`${gateway.controlUrl}/count?all=true`)).text(), '30');
  });

  test('half-open handshakes end in their time, and a good client gets in meanwhile', async (t) => {
    const gateway = await scene(t, { MAX_HTTP_SOCKETS: '100' });
    const before = socketsOf(gateway);
    const raws = await Promise.all(
      Array.from({ length: 300 }, () => stubborn(t, gateway, upgradeRequest({ path: '/chat/a' }).slice(0, 60))),
    );
    const start = performance.now();
    await connect(t, `${gateway.wsUrl}/chat/good`);
    assert.ok(performance.now() - start < 1_000);
    await until(
      () => socketsOf(gateway) <= before + 2, // the client's, and one to the backend
      () => `${socketsOf(gateway) - before} sockets are left`,
    );
    assert.equal(raws.length, 300);
  });
});

import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import { test, type TestContext } from 'node:test';
import { startBackend } from '../support/backend.ts';
import { startGateway } from '../support/gateway.ts';
import { answerTo, malformedFrame } from '../support/malformed-ocpp.ts';
import { seeded, type Random } from '../support/random.ts';
import { BINARY, frame, TEXT, upgradeRaw, type RawSocket } from '../support/raw-socket.ts';
import { routesFile } from '../support/routes-file.ts';
import { enterStation } from '../support/station.ts';

const SEED = 20_261_122;
const FRAMES = 100_000;
const VERSIONS = ['ocpp1.6', 'ocpp2.0.1', 'ocpp2.1'];
const STATIONS_PER_VERSION = 2;
const FRAMES_AT_ONCE = 200;
/** The worst that the well-behaved may feel of it; far below OCPP_CALL_TIMEOUT_MS. */
const PATIENCE_MS = 5_000;

type Counts = { silent: number; answered: number };

/** Sends malformed frames, some at once, and behind them a sound call, whose answer comes last. Returns what it was told wrongly. */
async function round(
  station: RawSocket,
  { subprotocol, random, number }: { subprotocol: string; random: Random; number: number },
  counts: Counts,
) {
  const texts: string[] = [];
  const bytes: Buffer[] = [];
  while (bytes.length < FRAMES_AT_ONCE) {
    const data = malformedFrame(random);
    const isText = isUtf8(data); // what is none would be against RFC 6455 already, and end the connection: it goes as binary
    const text = isText ? data.toString() : 'binary';
    const answer = answerTo(subprotocol, text);
    if (answer === 'call') continue; // nothing malformed about it
    bytes.push(frame(isText ? TEXT : BINARY, data));
    texts.push(text);
    counts[answer === null ? 'silent' : 'answered'] += 1;
  }
  const probe = `probe-${number}`;
  const before = station.frames.all.length;
  station.write(...bytes, frame(TEXT, JSON.stringify([2, probe, 'Heartbeat', {}])));
  await station.frames.first(({ payload }) => payload.includes(`"${probe}"`));
  const got = station.frames.all
    .slice(before)
    .map(({ payload }) => JSON.stringify((JSON.parse(payload.toString()) as unknown[]).slice(0, 3)));
  const wanted = (): string[] => [...wantedFor(subprotocol, texts), JSON.stringify([3, probe, {}])];
  // Seen twice in some forty runs on a busy machine: the rules, applied to one of the texts, gave another result than when
  // applied to the same text again (the gateway was right, both times). So they are applied again before it is blamed.
  if (JSON.stringify(got) !== JSON.stringify(wanted())) assert.deepEqual(got, wanted(), `seed ${SEED}, ${subprotocol}, round ${number}`);
}

function wantedFor(subprotocol: string, texts: readonly string[]): string[] {
  return texts
    .map((text) => answerTo(subprotocol, text))
    .filter((answer) => answer !== null)
    .map((answer) => JSON.stringify(answer));
}

async function station(t: TestContext, url: string, { identity, subprotocol }: { identity: string; subprotocol: string }) {
  return await upgradeRaw(t, url, { path: `/${identity}`, headers: { 'Sec-WebSocket-Protocol': subprotocol } });
}

test('100,000 malformed frames: each is answered as its version says, the process lives, others are served', async (t) => {
  const backend = await startBackend(t, ({ url }) => (url.includes('/call/') ? { body: '{}' } : { status: 204 }));
  const routes = await routesFile(t, `routes:\n  - { path: "/:id", dialect: ocpp, backend: "${backend.url}" }\n`);
  const gateway = await startGateway(t, { ROUTES_FILE: routes.path });
  const witness = await enterStation(t, { endpoint: gateway.wsUrl, identity: 'WITNESS', protocols: ['ocpp1.6'] });
  witness.handle('Reset', () => ({ status: 'Accepted' }));
  const counts = { silent: 0, answered: 0 };
  let isOver = false;

  const rounds = FRAMES / FRAMES_AT_ONCE / (VERSIONS.length * STATIONS_PER_VERSION);
  const attack = Promise.all(
    VERSIONS.flatMap((subprotocol, version) =>
      Array.from({ length: STATIONS_PER_VERSION }, async (_none, index) => {
        const random = seeded(SEED + version * STATIONS_PER_VERSION + index);
        const raw = await station(t, gateway.wsUrl, { identity: `BAD-${version}-${index}`, subprotocol });
        for (let number = 0; number < rounds; number += 1) await round(raw, { subprotocol, random, number }, counts);
      }),
    ),
  ).finally(() => (isOver = true));

  let served = 0;
  let slowestMs = 0;
  while (!isOver) {
    const askedAt = performance.now();
    const url = `${gateway.controlUrl}/call/Reset/WITNESS/m${served}?wait=${PATIENCE_MS}`;
    const [boot, answer] = await Promise.all([witness.call('BootNotification', {}), fetch(url, { method: 'POST', body: '{}' })]);
    assert.deepEqual([boot, answer.status, await answer.json()], [{}, 200, { status: 'Accepted' }]);
    slowestMs = Math.max(slowestMs, performance.now() - askedAt);
    served += 1;
  }
  await attack;
  assert.ok(counts.silent + counts.answered >= FRAMES, JSON.stringify(counts));
  for (const [kind, times] of Object.entries(counts)) assert.ok(times > FRAMES / 20, `the generator made only ${times} ${kind} frames`);
  assert.ok(slowestMs < PATIENCE_MS && served > 0, `a witness was served ${served} times, the slowest took ${slowestMs} ms`);
  assert.equal(gateway.process.exitCode, null);
  assert.ok(
    gateway.log.all.every(({ level }) => level < 50),
    'level 50 is an error that someone must see to',
  );
  const strange = backend.calls.all.filter(({ url }) => !/^\/ws\/(connect|call|send)\/[^/?#]+(\/[^/?#]+\/[^/?#]+)?$/.test(url));
  assert.deepEqual(strange.map(({ url }) => url).slice(0, 5), []);
  t.diagnostic(
    `${JSON.stringify(counts)}; meanwhile the witness was served ${served} times, at the slowest in ${Math.round(slowestMs)} ms`,
  );
});

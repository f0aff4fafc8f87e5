import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import type { TestContext } from 'node:test';
import type { Arena } from '../support/arena.ts';
import { ask } from '../support/ask.ts';
import { FUZZ_SEED } from '../support/lanes.ts';
import { answerTo, malformedFrame } from '../support/malformed-ocpp.ts';
import { seeded, type Random } from '../support/random.ts';
import { BINARY, frame, TEXT, upgradeRaw, type RawSocket } from '../support/raw-socket.ts';
import { enterStation } from '../support/station.ts';
import { inputsOf } from './inputs.ts';

export const OCPP_FRAMES = inputsOf(40_000);
const VERSIONS = ['ocpp1.6', 'ocpp2.0.1', 'ocpp2.1'];
const STATIONS_PER_VERSION = 2;
const FRAMES_AT_ONCE = 100;
/** That a call of the backend may take; far below OCPP_CALL_TIMEOUT_MS. */
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
  if (JSON.stringify(got) !== JSON.stringify(wanted()))
    assert.deepEqual(got, wanted(), `FUZZ_SEED=${FUZZ_SEED}, ${subprotocol}, round ${number}`);
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

/** Each frame is answered as its version says, others are served. */
export async function fuzzOcpp(t: TestContext, arena: Arena): Promise<void> {
  const judge = await arena.begin(t);
  const { gateway } = arena;
  const witness = await enterStation(t, { endpoint: gateway.wsUrl, identity: 'WITNESS', protocols: ['ocpp1.6'] });
  witness.handle('Reset', () => ({ status: 'Accepted' }));
  const counts = { silent: 0, answered: 0 };
  let isOver = false;

  const rounds = Math.ceil(OCPP_FRAMES / FRAMES_AT_ONCE / (VERSIONS.length * STATIONS_PER_VERSION));
  const attack = Promise.all(
    VERSIONS.flatMap((subprotocol, version) =>
      Array.from({ length: STATIONS_PER_VERSION }, async (_none, index) => {
        const random = seeded(FUZZ_SEED + version * STATIONS_PER_VERSION + index);
        const raw = await station(t, gateway.wsUrl, { identity: `BAD-${version}-${index}`, subprotocol });
        for (let number = 0; number < rounds; number += 1) await round(raw, { subprotocol, random, number }, counts);
        raw.socket.destroy();
      }),
    ),
  ).finally(() => (isOver = true));

  let served = 0;
  while (!isOver) {
    const url = `${gateway.controlUrl}/call/Reset/WITNESS/m${served}?wait=${PATIENCE_MS}`;
    const [boot, { status, body }] = await Promise.all([witness.call('BootNotification', {}), ask(url, { method: 'POST', body: '{}' })]);
    assert.deepEqual([boot, status, JSON.parse(body)], [{}, 200, { status: 'Accepted' }]);
    served += 1;
  }
  await attack;
  await witness.close({ force: true });
  assert.ok(counts.silent + counts.answered >= OCPP_FRAMES, JSON.stringify(counts));
  for (const [kind, times] of Object.entries(counts))
    assert.ok(times > OCPP_FRAMES / 20, `the generator made only ${times} ${kind} frames`);
  t.diagnostic(`${JSON.stringify(counts)}; meanwhile a witness called and was called ${served} times`);
  await judge();
}

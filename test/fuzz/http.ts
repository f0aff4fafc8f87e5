import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Arena } from '../support/arena.ts';
import { ask } from '../support/ask.ts';
import { connect } from '../support/client.ts';
import { failedInput, FUZZ_SEED, inLanes } from '../support/lanes.ts';
import { seeded } from '../support/random.ts';
import { lineMaker, type RawLine } from '../support/raw-line.ts';
import { attack, type Pushes, type Tally } from './http-attack.ts';
import { hostileHttp } from './http-requests.ts';
import { inputsOf } from './inputs.ts';

export const HTTP_INPUTS = inputsOf(18_000);
const LANES = 64;
/** Connections that keep their half open after the gateway's end. */
const LINGERS_ONE_IN = 40;

/** Each is answered as RFC 9112 says, and what was pushed is what was answered 200. */
export async function fuzzHttp(t: TestContext, arena: Arena): Promise<void> {
  const judge = await arena.begin(t);
  const { publicUrl, wsUrl } = arena.gateway;
  const client = await connect(t, `${wsUrl}/TARGET`);
  const target = `/${await idOf(publicUrl)}`;
  const openLine = lineMaker(t, Number(new URL(publicUrl).port));
  const pushes: Pushes = { sound: [], answered: 0 };
  const tally: Tally = { request: 0, sound: 0, unfit: 0, broken: 0, free: 0, incomplete: 0 };

  await inLanes({ count: HTTP_INPUTS, lanes: LANES }, async (numbers) => {
    let line: RawLine | null = null;
    let before: number | null = null;
    for (let number = numbers.take(); number !== null; number = numbers.take()) {
      const random = seeded(FUZZ_SEED + number);
      const bytes = hostileHttp(random, target, `word ${number}`);
      line ??= openLine(random.below(LINGERS_ONE_IN) === 0);
      try {
        if (!(await attack(line, bytes, { pushes, tally, target, waits: random.below(100) === 0 }))) line = null;
        before = line === null ? null : number;
      } catch (cause) {
        line?.socket.destroy();
        throw failedInput(number, bytes, { cause, before });
      }
    }
    line?.socket.destroy();
  });

  await client.frames.atLeast(pushes.answered);
  const got = client.frames.all.map(({ text }) => text);
  assert.equal(got.length, pushes.answered, 'as many frames as answers 200');
  const unseen = new Map<string, number>();
  for (const text of got) unseen.set(text, (unseen.get(text) ?? 0) + 1);
  for (const text of pushes.sound) unseen.set(text, (unseen.get(text) ?? 0) - 1);
  assert.deepEqual([...unseen].filter(([, count]) => count < 0).slice(0, 5), [], 'answered 200 and not sent');
  client.ws.terminate();
  t.diagnostic(JSON.stringify({ ...tally, pushes: pushes.sound.length }));
  for (const [kind, times] of Object.entries(tally))
    assert.ok(times > HTTP_INPUTS / 50, `the generator made only ${times} ${kind} readings`);
  await judge();
}

/** Of the client on this path: the gateway gave it. */
async function idOf(controlUrl: string): Promise<string> {
  const { body } = await ask(`${controlUrl}/status`, { headers: { accept: 'application/json' } });
  const { connections } = JSON.parse(body) as {
    connections: readonly { readonly id: string; readonly path: string }[];
  };
  const found = connections.find(({ path }) => path === '/TARGET');
  assert.ok(found !== undefined, 'the client is in /status');
  return found.id;
}

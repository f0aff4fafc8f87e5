import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Arena } from '../support/arena.ts';
import { failedInput, FUZZ_SEED, inLanes } from '../support/lanes.ts';
import { seeded } from '../support/random.ts';
import { lineMaker } from '../support/raw-line.ts';
import { FramesLine } from './frames-attack.ts';
import { hostileFrames, soundFrames } from './hostile-frames.ts';
import { inputsOf } from './inputs.ts';

export const FRAME_INPUTS = inputsOf(36_000);
const LANES = 64;
/** Connections that keep their half open after the gateway's end. */
const LINGERS_ONE_IN = 40;
/** The others are sound, if odd, and share a connection until a hostile one ends it. */
const HOSTILE_ONE_IN = 10;
/** Sound inputs that are sent in one go. */
const AT_ONCE = 8;

/** What RFC 6455 allows comes back, what it forbids is closed with its code. */
export async function fuzzFrames(t: TestContext, arena: Arena): Promise<void> {
  const judge = await arena.begin(t);
  const openLine = lineMaker(t, Number(new URL(arena.gateway.publicUrl).port));
  const tally = { messages: 0, pings: 0, closed: 0, cutOff: 0, connections: 0 };
  const reasons = new Map<string, number>();

  await inLanes({ count: FRAME_INPUTS, lanes: LANES }, async (numbers) => {
    let line: FramesLine | null = null;
    const send = async (number: number, bytes: Buffer, isSilent: boolean): Promise<void> => {
      try {
        if (line === null) tally.connections += 1;
        line ??= await FramesLine.open(openLine(number % LINGERS_ONE_IN === 0));
        const { goesOn, reading } = await line.attack(bytes, { isSilent });
        if (!goesOn) line = null;
        tally.messages += reading.messages.length;
        tally.pings += reading.pings.length;
        tally.cutOff += reading.isOpen ? 1 : 0;
        if (reading.end === null) return;
        tally.closed += 1;
        reasons.set(reading.end.why.replace(/\d+$/, 'N'), (reasons.get(reading.end.why.replace(/\d+$/, 'N')) ?? 0) + 1);
      } catch (cause) {
        line?.destroy();
        throw failedInput(number, Buffer.from(bytes.toString('hex')), { cause });
      }
    };
    let sound: Buffer[] = [];
    for (let number = numbers.take(); number !== null; number = numbers.take()) {
      const random = seeded(FUZZ_SEED + number);
      const isHostile = random.below(HOSTILE_ONE_IN) === 0;
      if (!isHostile) sound.push(soundFrames(random));
      if (sound.length === AT_ONCE || (isHostile && sound.length > 0)) await send(number, Buffer.concat(sound.splice(0)), false);
      if (isHostile) await send(number, hostileFrames(random), random.below(50) === 0);
    }
    if (sound.length > 0) await send(FRAME_INPUTS, Buffer.concat(sound), false);
    (line as FramesLine | null)?.destroy();
  });

  t.diagnostic(JSON.stringify({ ...tally, ...Object.fromEntries(reasons) }));
  for (const [kind, times] of Object.entries(tally)) assert.ok(times > FRAME_INPUTS / 200, `the generator made only ${times} ${kind}`);
  assert.ok(reasons.size >= 15, `the generator met only ${reasons.size} rules`);
  await judge();
}

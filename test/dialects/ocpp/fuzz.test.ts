import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { answerTo, malformedFrame } from '../../support/malformed-ocpp.ts';
import { seeded } from '../../support/random.ts';
import { SUBPROTOCOLS } from '../../../src/dialects/ocpp/versions.ts';
import { station } from './fake-host.ts';

const FRAMES = 100_000;
const FRAMES_PER_STATION = 500;
const SEED = 20_261_121;

function idOf(frame: Buffer): unknown {
  return (JSON.parse(frame.toString()) as unknown[])[1];
}

suite('100,000 malformed frames', () => {
  for (const subprotocol of SUBPROTOCOLS) {
    test(`get what ${subprotocol} says, and harm nobody`, () => {
      const random = seeded(SEED + SUBPROTOCOLS.indexOf(subprotocol));
      const told = { nothing: 0, result: 0, error: 0 };
      const count = Math.ceil(FRAMES / SUBPROTOCOLS.length);
      let current = station(subprotocol);
      for (let index = 0; index < count; index += 1) {
        if (index % FRAMES_PER_STATION === 0) current = station(subprotocol);
        const { host, sends, answered } = current;
        const frame = malformedFrame(random);
        const isUtf8 = Buffer.compare(Buffer.from(frame.toString()), frame) === 0;
        const before = host.calls.length;
        sends(frame);
        if (host.calls.length > before) answered(before, 200, '{"ok":true}');
        const answer = answerTo(subprotocol, isUtf8 ? frame.toString() : '?');
        const wanted = answer === 'call' ? [3, idOf(frame), { ok: true }] : answer;
        const got = host.take() as unknown[][];
        const isRight =
          JSON.stringify(got.map((answer) => answer.slice(0, 3))) === JSON.stringify(wanted === null ? [] : [wanted]) &&
          got.every(
            ([type, , , description, details]) => type === 3 || (String(description).length <= 255 && JSON.stringify(details) === '{}'),
          ) &&
          host.calls.slice(before).every(({ call }) => new URL(call.path, 'http://csms').pathname === call.path);
        if (!isRight) assert.fail(`frame ${index} (seed ${SEED}) ${frame.toString().slice(0, 200)}: ${JSON.stringify({ wanted, got })}`);
        told[wanted === null ? 'nothing' : wanted[0] === 3 ? 'result' : 'error'] += 1;
      }
      for (const [kind, times] of Object.entries(told)) assert.ok(times > count / 100, `the generator made only ${times} with ${kind}`);
    });
  }
});

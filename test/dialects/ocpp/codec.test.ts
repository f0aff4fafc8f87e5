import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { decodeFrame } from '../../../src/dialects/ocpp/codec.ts';
import { ERROR_CODES, cutDescription, spelled } from '../../../src/dialects/ocpp/errors.ts';
import { callFrame, errorFrame, resultErrorFrame, resultFrame, sendFrame, type ClientFrame } from '../../../src/dialects/ocpp/frames.ts';
import { outline } from '../../../src/dialects/ocpp/json.ts';
import { SUBPROTOCOLS, versionOf, type OcppVersion, type Subprotocol } from '../../../src/dialects/ocpp/versions.ts';

const golden = (name: string) => fileURLToPath(new URL(`golden/${name}.json`, import.meta.url));

/** What clients send, good and bad; what becomes of each is in golden/client-frames.json. */
const FRAMES = [
  '[2,"1","Heartbeat",{}]',
  ' [ 2 , "1" , "Heartbeat" , { "a" : [ 1.50 ] } ] ',
  '[2,"1","Heartbeat",null]',
  '[3,"1",{"status":"Accepted"}]',
  '[4,"1","NotSupported","no","no details"]',
  '[4,"1"]',
  '[4,"1","GenericError","",{"a":1}]',
  '[5,"1","FormatViolation","",{}]',
  '[6,"1","NotifyPeriodicEventStream",{}]',
  '[6,"1","",{}]',
  '',
  ' \r\n',
  'x',
  '{}',
  '[]',
  '[2]',
  '["2","1","Heartbeat",{}]',
  '[2,1,"Heartbeat",{}]',
  '[2,"","Heartbeat",{}]',
  '[2,"1234567890123456789012345678901234567","Heartbeat",{}]',
  '[2,"..","Heartbeat",{}]',
  '[2,"\\ud800","Heartbeat",{}]',
  '[2,"1","Heartbeat"]',
  '[2,"1","Heartbeat",{},{}]',
  '[2,"1",7,{}]',
  '[2,"1","..",{}]',
  '[2,"1","Heartbeat",[]]',
  '[2,"1","Heartbeat","{}"]',
  '[2,"1","Heartbeat",{}',
  '[3]',
  '[3,"1"]',
  '[3,"1",[]]',
  '[4,7,"GenericError","",{}]',
  '[7,"1","Heartbeat",{}]',
  '[-1]',
  `${'['.repeat(100)}${']'.repeat(100)}`,
];

suite('a frame of a client', () => {
  for (const subprotocol of SUBPROTOCOLS) {
    test(`is read as ${subprotocol} says`, (t) => {
      const read = Object.fromEntries(FRAMES.map((frame) => [frame, decode(subprotocol, frame)]));
      t.assert.fileSnapshot(read, golden(`client-frames.${subprotocol}`));
    });
  }

  test('that is binary, or no UTF-8, cannot be read', () => {
    for (const [data, isBinary] of [
      [Buffer.from('[2,"1","Heartbeat",{}]'), true],
      [Buffer.from('[2,"\xff","Heartbeat",{}]', 'latin1'), false],
    ] as const) {
      assert.equal(answerTo(decodeFrame(version('ocpp2.0.1'), data, isBinary)), '-1');
      assert.equal(answerTo(decodeFrame(version('ocpp1.6'), data, isBinary)), null);
    }
  });

  test('is found again in what was built, whatever is in it', () => {
    const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 36 }).filter((id) => id.length <= 36 && id !== '.' && id !== '..');
    const object = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 });
    fc.assert(
      fc.property(text, text, object, (id, action, payload) => {
        const payloadJson = JSON.stringify(payload, null, 1);
        assert.deepEqual(decode('ocpp2.1', callFrame(id, action, payloadJson)), { type: 'call', id, action, payloadJson });
        assert.deepEqual(decode('ocpp2.1', sendFrame(id, action, payloadJson)), { type: 'send', id, action, payloadJson });
        assert.deepEqual(decode('ocpp2.1', resultFrame(id, payloadJson)), { type: 'result', id, payloadJson });
        const error = { code: 'GenericError', description: action, detailsJson: payloadJson };
        assert.deepEqual(decode('ocpp2.1', errorFrame(id, error)), { type: 'error', id, error });
        assert.deepEqual(decode('ocpp2.1', resultErrorFrame(id, error)), { type: 'result-error', id, error });
      }),
    );
  });

  test('nested a million deep costs one pass', () => {
    for (const bomb of ['['.repeat(1_000_000), '{"a":'.repeat(200_000), `[2,"1","A",${'['.repeat(500_000)}`]) {
      assert.equal(outline(bomb), null);
      assert.equal(decode('ocpp2.1', bomb).type, 'malformed');
    }
    assert.equal(decode('ocpp2.1', `[2,"1","A",{"a":${JSON.stringify('['.repeat(1_000))}}]`).type, 'call', 'brackets in text nest nothing');
  });
});

suite('an error', () => {
  test("is spelled as the version's table has it", (t) => {
    t.assert.fileSnapshot(ERROR_CODES, golden('error-codes'));
    const all = new Set(Object.values(ERROR_CODES).flat());
    for (const subprotocol of SUBPROTOCOLS) {
      for (const code of all)
        assert.ok(ERROR_CODES[subprotocol].includes(spelled(version(subprotocol), code) ?? ''), `${subprotocol} ${code}`);
    }
    assert.equal(spelled(version('ocpp1.6'), 'FormatViolation'), 'FormationViolation');
    assert.equal(spelled(version('ocpp2.1'), 'OccurenceConstraintViolation'), 'OccurrenceConstraintViolation');
    assert.equal(spelled(version('ocpp2.1'), 'VendorError'), 'VendorError');
    for (const none of ['FST_ERR_X', '', 'two words', 7, null, undefined, 'x'.repeat(51)])
      assert.equal(spelled(version('ocpp2.1'), none), null);
    assert.equal(spelled(version('ocpp2.1'), 'constructor'), 'constructor');
  });

  test('is described in at most 255 whole characters', () => {
    assert.equal(cutDescription('x'.repeat(300)).length, 255);
    assert.equal(cutDescription(`${'x'.repeat(254)}😀`), 'x'.repeat(254));
    assert.equal(cutDescription('fine'), 'fine');
  });
});

function version(subprotocol: Subprotocol): OcppVersion {
  return versionOf(subprotocol) as OcppVersion;
}

function decode(subprotocol: Subprotocol, frame: string): ClientFrame {
  return decodeFrame(version(subprotocol), Buffer.from(frame), false);
}

function answerTo(frame: ClientFrame): string | null {
  assert.equal(frame.type, 'malformed');
  return frame.type === 'malformed' ? frame.answerTo : null;
}

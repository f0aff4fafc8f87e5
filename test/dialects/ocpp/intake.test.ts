import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { station } from './fake-host.ts';

const OVER_A_CALL_MS = 30_001;

suite("a client's call", () => {
  test('is posted with its payload untouched and answered by the 2xx body, byte for byte', () => {
    const { host, sends, answered } = station('ocpp1.6');
    sends('[ 2 , "19" , "BootNotification" , {"n":1.10, "n":12345678901234567890, "s":"],\\"{"} ]');
    assert.deepEqual(host.paths, ['call/BootNotification/CP%201/19']);
    assert.equal(host.calls[0]?.call.body, '{"n":1.10, "n":12345678901234567890, "s":"],\\"{"}');
    answered(0, 200, '{"interval":300.50}');
    assert.deepEqual(host.frames, ['[3,"19",{"interval":300.50}]']);
  });

  test('is answered by {} where the backend has nothing to say', () => {
    const { host, sends, answered } = station('ocpp2.0.1');
    sends([2, 'a', 'StatusNotification', {}]);
    answered(0, 204);
    assert.deepEqual(host.take(), [[3, 'a', {}]]);
  });

  test("becomes the backend's error, in the version's spelling", () => {
    for (const [subprotocol, code] of [
      ['ocpp1.6', 'OccurenceConstraintViolation'],
      ['ocpp2.1', 'OccurrenceConstraintViolation'],
    ] as const) {
      const { host, sends, answered } = station(subprotocol);
      sends([2, 'a', 'Authorize', {}]);
      answered(0, 400, '{"code":"OccurrenceConstraintViolation","description":"two idTags","details":{"n":2}}');
      assert.deepEqual(host.take(), [[4, 'a', code, 'two idTags', { n: 2 }]]);
    }
  });

  test('becomes InternalError for any other answer, and for none', () => {
    for (const [status, body] of [
      [500, 'oops'],
      [404, '{"message":"no such route"}'],
      [302, ''],
      [200, '<html>'],
      [200, '["no object"]'],
      [200, JSON.stringify({ long: 'x'.repeat(65_536) })],
    ] as const) {
      const { host, sends, answered } = station('ocpp1.6');
      sends([2, 'a', 'Authorize', {}]);
      answered(0, status, body);
      const [[type, id, code, , details]] = host.take() as [unknown[]];
      assert.deepEqual([type, id, code, details], [4, 'a', 'InternalError', {}], `${status} ${body.slice(0, 20)}`);
    }
    const { host, sends, failed } = station('ocpp1.6');
    sends([2, 'a', 'Authorize', {}]);
    failed(0);
    assert.equal((host.take() as unknown[][])[0]?.[2], 'InternalError');
    assert.equal(host.calls.length, 1, 'the caller retries, not the gateway');
  });

  test('waits for the one before it, and a full inbox pauses the socket until it is half empty', () => {
    const { host, sends, answered } = station('ocpp1.6');
    for (const id of ['1', '2', '3', '4', '5']) sends([2, id, 'MeterValues', {}]);
    assert.equal(host.calls.length, 1);
    assert.equal(host.pauses, 1);
    answered(0, 200);
    assert.equal(host.calls.length, 2);
    assert.equal(host.pauses, 1);
    answered(1, 200);
    assert.equal(host.pauses, 0);
    answered(2, 200);
    answered(3, 200);
    answered(4, 200);
    assert.deepEqual(
      host.take(),
      [1, 2, 3, 4, 5].map((id) => [3, String(id), {}]),
    );
    assert.equal(host.calls.length, 5);
  });

  test('is answered by InternalError when its time is over, waiting or served, and a later answer is dropped', () => {
    const { host, sends, answered } = station('ocpp1.6');
    sends([2, '1', 'MeterValues', {}]);
    sends([2, '2', 'MeterValues', {}]);
    host.clock.pass(OVER_A_CALL_MS);
    assert.deepEqual(
      (host.take() as unknown[][]).map((frame) => frame.slice(0, 3)),
      [
        [4, '1', 'InternalError'],
        [4, '2', 'InternalError'],
      ],
    );
    answered(0, 200, '{"late":true}');
    assert.deepEqual(host.take(), []);
    assert.equal(host.calls.length, 1, 'the second was never posted');
    assert.equal(host.meter.callsExpired, 2);
    sends([2, '1', 'MeterValues', {}]);
    assert.equal(host.calls.length, 2, 'an id may come again after its time');
  });

  test('with the id of one in progress is an error, and the first is still answered', () => {
    const { host, sends, answered } = station('ocpp2.0.1');
    sends([2, 'x', 'Heartbeat', {}]);
    sends([2, 'x', 'Heartbeat', {}]);
    assert.deepEqual((host.take() as unknown[][])[0]?.slice(0, 3), [4, 'x', 'RpcFrameworkError']);
    sends([2, 'y', 'Heartbeat', {}]);
    sends([2, 'y', 'Heartbeat', {}]);
    assert.deepEqual((host.take() as unknown[][])[0]?.slice(0, 3), [4, 'y', 'RpcFrameworkError'], 'also while it waits');
    answered(0, 200);
    answered(1, 200);
    assert.deepEqual(host.take(), [
      [3, 'x', {}],
      [3, 'y', {}],
    ]);
    assert.equal(host.calls.length, 2);
  });

  test('is delivered also after its client has left, and only then nothing is left to deliver', () => {
    const { host, intake, sends, answered } = station('ocpp1.6');
    sends([2, '1', 'StopTransaction', {}]);
    sends([2, '2', 'StopTransaction', {}]);
    intake.ended();
    assert.equal(intake.isIdle, false);
    answered(0, 200);
    assert.deepEqual([host.calls.length, host.emptiedTimes], [2, 0]);
    answered(1, 200);
    assert.deepEqual([intake.isIdle, host.emptiedTimes, host.clock.timers.size], [true, 1, 0]);
    assert.deepEqual(host.frames, []);
  });
});

suite("a backend's call", () => {
  test('is sent at once, and the answer travels up with the action remembered', () => {
    const { host, sends, isCalled, answered } = station('ocpp1.6');
    assert.deepEqual(isCalled('m1'), { type: 'accepted' });
    assert.deepEqual(host.frames, ['[2,"m1","Reset",{"type":"Soft"}]']);
    sends([3, 'm1', { status: 'Accepted' }]);
    assert.deepEqual(host.paths, ['result/Reset/CP%201/m1']);
    assert.equal(host.calls[0]?.call.body, '{"status":"Accepted"}');
    answered(0, 200);
    sends([3, 'm1', { status: 'Accepted' }]);
    assert.equal(host.calls.length, 1, 'the same answer twice');
    assert.equal(host.meter.answersDropped, 1);
  });

  test('that is refused travels up as an error, with what is missing made up', () => {
    const { host, sends, isCalled } = station('ocpp1.6');
    void isCalled('m1');
    sends([4, 'm1', 'NotSupported']);
    assert.deepEqual(host.paths, ['error/Reset/CP%201/m1']);
    assert.equal(host.calls[0]?.call.body, '{"code":"NotSupported","description":"","details":{}}');
  });

  test('waits its turn in a bounded queue', () => {
    const { host, sends, isCalled } = station('ocpp1.6');
    for (const id of ['1', '2', '3', '4']) assert.deepEqual(isCalled(id), { type: 'accepted' });
    assert.deepEqual(isCalled('5'), { type: 'slow', retryAfterMs: 1_000 });
    assert.equal((isCalled('2') as { type: string }).type, 'conflict');
    assert.equal(host.take().length, 1);
    sends([3, '1', {}]);
    assert.deepEqual(host.take(), [[2, '2', 'Reset', { type: 'Soft' }]]);
    host.clock.pass(OVER_A_CALL_MS);
    assert.deepEqual(host.take(), [[2, '3', 'Reset', { type: 'Soft' }]], 'a silent client does not block the queue for ever');
    sends([3, '2', {}]);
    assert.equal(host.calls.length, 1, 'the late answer is dropped');
    assert.deepEqual([host.meter.answersDropped, host.meter.callsUnanswered], [1, 1]);
  });

  test('with a wait has the answer as its outcome, and no event follows', async () => {
    const { host, sends, isCalled } = station('ocpp2.0.1');
    const first = isCalled('m1', 5_000);
    sends([3, 'm1', { status: 'Accepted' }]);
    assert.deepEqual(await first, { type: 'answered', payloadJson: '{"status":"Accepted"}' });
    const second = isCalled('m2', 5_000);
    sends([4, 'm2', 'NotSupported', 'never', { why: 1 }]);
    assert.deepEqual(await second, { type: 'rejected', error: { code: 'NotSupported', description: 'never', detailsJson: '{"why":1}' } });
    assert.equal(host.calls.length, 0);
  });

  test('whose wait is over is never posted, and keeps its place until the client has answered', async () => {
    const { host, sends, isCalled } = station('ocpp1.6');
    const sent = isCalled('m1', 1_000);
    const queued = isCalled('m2', 1_000);
    void isCalled('m3');
    host.clock.pass(1_000);
    assert.equal((await sent).type, 'unanswered');
    assert.equal((await queued).type, 'unanswered');
    assert.deepEqual(host.take().length, 1);
    sends([3, 'm1', {}]);
    assert.equal(host.calls.length, 0);
    assert.deepEqual(host.take(), [[2, 'm3', 'Reset', { type: 'Soft' }]], 'the one that waited in vain was never sent');
  });

  test('is told at once when the client leaves, or cannot take it', async () => {
    const { host, intake, isCalled } = station('ocpp1.6');
    const sent = isCalled('m1', 60_000);
    const queued = isCalled('m2', 60_000);
    intake.ended();
    assert.equal((await sent).type, 'unanswered');
    assert.equal((await queued).type, 'not-found');
    assert.deepEqual(isCalled('m3'), { type: 'not-found' });
    assert.equal(host.clock.timers.size, 0);
    const slow = station('ocpp1.6');
    slow.host.pushOutcome = { type: 'slow', retryAfterMs: 7 };
    assert.deepEqual(slow.isCalled('m1'), { type: 'slow', retryAfterMs: 7 });
    slow.host.pushOutcome = { type: 'sent' };
    assert.deepEqual(slow.isCalled('m1'), { type: 'accepted' });
  });

  test('made before the upgrade goes out right after it', () => {
    const fresh = station('ocpp1.6', { isOpen: false });
    assert.deepEqual(fresh.isCalled('m1'), { type: 'accepted' });
    assert.deepEqual(fresh.host.frames, []);
    fresh.intake.opened();
    assert.deepEqual(fresh.host.take(), [[2, 'm1', 'Reset', { type: 'Soft' }]]);
  });
});

suite('both sides', () => {
  test('may call each other at once: answers pass the calls by', () => {
    const { host, sends, isCalled, answered } = station('ocpp1.6');
    sends([2, 'c1', 'Authorize', {}]);
    sends([2, 'c2', 'Authorize', {}]);
    void isCalled('b1'); // from inside the handler of c1
    sends([3, 'b1', {}]);
    assert.deepEqual(host.paths, ['call/Authorize/CP%201/c1', 'result/Reset/CP%201/b1']);
    answered(0, 200);
    assert.equal(host.paths[2], 'call/Authorize/CP%201/c2');
  });
});

suite('answers and SENDs on their way up', () => {
  test('are offered again until the backend has them, in order, one at a time', () => {
    const { host, sends, failed, answered } = station('ocpp2.1');
    sends([6, 's1', 'NotifyPeriodicEventStream', { id: 1 }]);
    sends([6, 's2', 'NotifyPeriodicEventStream', { id: 2 }]);
    failed(0);
    assert.equal(host.calls.length, 1);
    host.clock.pass(1_000);
    answered(1, 503);
    host.clock.pass(1_000);
    answered(2, 200);
    answered(3, 200);
    assert.deepEqual(
      host.paths,
      ['s1', 's1', 's1', 's2'].map((id) => `send/NotifyPeriodicEventStream/CP%201/${id}`),
    );
    assert.deepEqual(host.take(), [], 'a SEND is never answered');
    assert.equal(new Set(host.calls.slice(0, 3).map(({ call }) => call.headers[call.headers.indexOf('ws-event-id') + 1])).size, 1);
  });

  test('that the backend does not take in its time end the connection with 1011', () => {
    const { host, intake, sends, failed } = station('ocpp2.1');
    sends([6, 's1', 'NotifyPeriodicEventStream', {}]);
    sends([6, 's2', 'NotifyPeriodicEventStream', {}]);
    for (let index = 0; host.closes.length === 0; index += 1) {
      assert.ok(index < 1_000);
      failed(index);
      host.clock.pass(5_000);
    }
    assert.deepEqual(host.closes, [1011]);
    assert.equal(host.meter.messagesUndelivered, 2);
    assert.equal(intake.isIdle, true);
    assert.equal(host.emptiedTimes, 1);
  });

  test('fill the inbox like calls do', () => {
    const { host, sends, answered } = station('ocpp2.1');
    for (const id of ['1', '2', '3', '4', '5']) sends([6, id, 'NotifyPeriodicEventStream', {}]);
    assert.equal(host.pauses, 1);
    for (const index of [0, 1, 2, 3, 4]) answered(index, 200);
    assert.equal(host.pauses, 0);
  });
});

suite('OCPP 2.1', () => {
  test('lets both sides send without waiting, and older versions do not', () => {
    const command = { type: 'rpc-send', id: 'CP 1', messageId: 's', action: 'NotifyWebPaymentStarted', payloadJson: '{}' } as const;
    const { host, intake, isCalled } = station('ocpp2.1');
    void isCalled('m1');
    assert.deepEqual(intake.command(command), { type: 'accepted' });
    assert.deepEqual(host.frames[1], '[6,"s","NotifyWebPaymentStarted",{}]');
    const older = station('ocpp2.0.1');
    assert.equal((older.intake.command(command) as { type: string }).type, 'conflict');
    older.sends([6, 's', 'NotifyPeriodicEventStream', {}]);
    older.sends([5, 's', 'FormatViolation', '', {}]);
    assert.deepEqual([older.host.calls.length, older.host.frames.length, older.host.meter.framesIgnored], [0, 0, 2]);
  });

  test('lets a client reject a result of ours, once', () => {
    const { host, sends, answered } = station('ocpp2.1');
    sends([2, 'c1', 'Authorize', {}]);
    answered(0, 200, '{}');
    sends([5, 'c1', 'FormatViolation', 'no status', {}]);
    sends([5, 'c1', 'FormatViolation', 'no status', {}]);
    assert.deepEqual(host.paths.slice(1), ['resulterror/Authorize/CP%201/c1']);
    assert.equal(host.calls[1]?.call.body, '{"code":"FormatViolation","description":"no status","details":{}}');
    assert.equal(host.meter.answersDropped, 1);
  });

  test('tells a client that its answer cannot be read; 1.6 has no way to; the call ends either way', async () => {
    for (const [subprotocol, frames] of [
      ['ocpp2.1', [[5, 'm1', 'FormatViolation', 'a CALLRESULT is [3,<message id>,<JSON object>]', {}]]],
      ['ocpp1.6', []],
    ] as const) {
      const { host, sends, isCalled } = station(subprotocol);
      const outcome = isCalled('m1', 1_000);
      host.take();
      sends([3, 'm1', 'no object']);
      assert.equal((await outcome).type, 'rejected');
      assert.deepEqual(host.take(), frames);
    }
  });
});

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Clock } from '../../../src/core/ports.ts';
import { systemClock } from '../../../src/core/system-clock.ts';
import type { FunctionCall, FunctionResult, FunctionTarget } from '../../../src/wire/functions.ts';
import { functionCall, invoke } from '../../contracts/function-target.ts';
import { gone, isAlive } from '../../support/signals.ts';
import { moduleTarget } from './module-scene.ts';

function doing(does: string, more: Partial<FunctionCall> = {}): FunctionCall {
  return functionCall({ does }, more);
}

function pidOf(result: FunctionResult): number {
  assert.ok(result.type === 'returned', JSON.stringify(result));
  return Number((JSON.parse(result.payload.toString()) as { body: string }).body);
}

async function isCalm(target: FunctionTarget): Promise<number> {
  const pid = pidOf(await invoke(target, doing('calm')));
  assert.ok(pid > 0);
  return pid;
}

const exit = (how: string) => ({ type: 'threw', errorType: 'Runtime.ExitError', message: how });
const threw = (errorType: string, message: string) => ({ type: 'threw', errorType, message });

const CHANNEL_BROKEN = threw('Runtime.ChannelError', 'the process wrote to the channel of its runtime (file descriptor 3)');

/** What these do is told, and their process is good for the next call. */
const HARMLESS: Readonly<Record<string, object>> = {
  throws: threw('RangeError', 'it is too much'),
  throwsText: threw('string', 'Unauthorized'),
  throwsNothing: threw('undefined', 'undefined'),
  throwsTrap: threw('Error', 'what was thrown cannot be read'),
  throwsLong: threw('Error', 'x'.repeat(32_768)),
  circular: threw('Runtime.MarshalError', 'Unable to stringify response body'),
  bigint: threw('Runtime.MarshalError', 'Unable to stringify response body'),
  symbol: { type: 'returned', payload: Buffer.from('null') },
  text: { type: 'returned', payload: Buffer.from('"just text"') },
  long: threw(
    'Function.ResponseSizeTooLarge',
    'Response payload size (6291584 bytes) exceeded maximum allowed payload size (6291556 bytes).',
  ),
};

/** These take their process with them. */
const DEADLY: Readonly<Record<string, object>> = {
  throwsLater: threw('SyntaxError', 'nobody catches it'),
  rejectsLater: threw('Runtime.UnhandledPromiseRejection', 'Error: nobody waits for it'),
  exits: exit('Runtime exited without providing a reason'),
  exitsWith: exit('Runtime exited with error: exit status 3'),
  aborts: exit('Runtime exited with error: signal: aborted'),
  kills: exit('Runtime exited with error: signal: killed'),
  garbage: CHANNEL_BROKEN,
  lies: CHANNEL_BROKEN,
  closes: exit('Runtime exited with error: signal: killed'),
};

suite('an enemy of a handler costs its own call only', () => {
  test('one that throws, or returns what is no answer, keeps its process', async (t) => {
    const { target } = moduleTarget(t, 'enemies.cjs', { export: 'enemy', maxInstances: 1 });
    const pid = await isCalm(target);
    for (const [does, expected] of Object.entries(HARMLESS)) {
      const [result, next] = await Promise.all([invoke(target, doing(does)), invoke(target, doing('calm'))]);
      assert.deepEqual(result, expected, does);
      assert.equal(pidOf(next), pid, does);
    }
  });

  test('one that ends its process, or breaks its channel, is replaced; who waited behind it is served', async (t) => {
    const { target } = moduleTarget(t, 'enemies.cjs', { export: 'enemy', maxInstances: 1 });
    let pid = await isCalm(target);
    for (const [does, expected] of Object.entries(DEADLY)) {
      const [result, next] = await Promise.all([invoke(target, doing(does)), invoke(target, doing('calm'))]);
      assert.deepEqual(result, expected, does);
      assert.notEqual(pidOf(next), pid, does);
      pid = pidOf(next);
    }
  });

  test('the longest answer that Lambda takes comes whole', async (t) => {
    const { target } = moduleTarget(t, 'enemies.cjs', { export: 'enemy', maxInstances: 1 });
    const result = await invoke(target, doing('longest'));
    assert.ok(result.type === 'returned');
    assert.equal(result.payload.length, 6_291_556);
  });

  for (const does of ['blocks', 'hangs'])
    test(`one that ${does} is killed at the function's time-out, and another takes its place; others notice nothing`, async (t) => {
      const { target } = moduleTarget(t, 'enemies.cjs', { export: 'enemy', maxInstances: 2, timeoutMs: 400 });
      const victim = await isCalm(target);
      const blocked = invoke(target, doing(does));
      const other = await isCalm(target);
      assert.notEqual(other, victim);
      assert.deepEqual(await blocked, threw('Sandbox.Timedout', 'RequestId: Ab3dEf5hIj7lMnM= Error: Task timed out after 0.40 seconds'));
      await gone([victim]);
      assert.equal(await isCalm(target), other);
    });

  test('that never ends is told of as a time-out where it has no time of its own, also where of two timers the call’s rings last', async (t) => {
    let isLate = false;
    const after: Clock['after'] = (ms, task) => {
      const moreMs = isLate ? 40 : 0;
      isLate = false;
      return systemClock.after(ms + moreMs, task);
    };
    const clock = { now: () => systemClock.now(), date: () => systemClock.date(), random: () => systemClock.random(), after };
    const { target } = moduleTarget(t, 'enemies.cjs', { export: 'enemy', maxInstances: 1, clock });
    await isCalm(target);
    isLate = true; // of the next timer, which is the call's
    const result = await invoke(target, doing('blocks', { timeoutMs: 100 }));
    assert.ok(result.type === 'failure' && result.reason === 'timeout' && result.wasSent, JSON.stringify(result));
    await isCalm(target);
  });

  test('one that runs on after its call timed out is still killed at its own time-out', async (t) => {
    const { target } = moduleTarget(t, 'enemies.cjs', { export: 'enemy', maxInstances: 1, timeoutMs: 500 });
    const victim = await isCalm(target);
    const result = await invoke(target, doing('blocks', { timeoutMs: 100 }));
    assert.ok(result.type === 'failure' && result.reason === 'timeout' && result.wasSent);
    assert.ok(isAlive(victim));
    await gone([victim]);
    await isCalm(target);
  });

  test('one that eats memory is ended, whether by objects or by buffers', async (t) => {
    const { target } = moduleTarget(t, 'enemies.cjs', { export: 'enemy', maxInstances: 1, memoryMb: 128 });
    const heap = await invoke(target, doing('heap'));
    assert.ok(heap.type === 'threw', heap.type);
    assert.match(`${heap.errorType} ${heap.message}`, /^Runtime\.(ExitError .*aborted|OutOfMemory .*128 MB)/);
    if (process.platform !== 'linux') return;
    assert.deepEqual(
      await invoke(target, doing('buffers')),
      threw('Runtime.OutOfMemory', 'Runtime exited with error: more than 128 MB of memory'),
    );
    await isCalm(target);
  });

  test('what it has started goes with it', async (t) => {
    const { target, log } = moduleTarget(t, 'enemies.cjs', { export: 'enemy', maxInstances: 1, timeoutMs: 1_500 });
    const forked = invoke(target, doing('forks'));
    const { facts } = await log.first(({ facts }) => String(facts['text']).startsWith('child '));
    const child = Number(String(facts['text']).slice('child '.length));
    assert.ok(isAlive(child));
    assert.equal((await forked).type, 'threw');
    await gone([child]);
  });

  test('what it writes is in the log with the id of its request, each line whole', async (t) => {
    const { target, log } = moduleTarget(t, 'enemies.cjs', { export: 'enemy', maxInstances: 1 });
    await invoke(target, doing('writes', { requestId: 'R1knPc2ntjMCFIA=' }));
    await log.first(({ facts }) => facts['text'] === 'plain error');
    await log.first(({ facts }) => facts['text'] === 'plain text');
    const lines = log.all.filter(({ message }) => message === 'a function wrote');
    const own = lines.filter(({ facts }) => !String(facts['text']).startsWith('plain'));
    assert.deepEqual(
      own.map(({ level, facts }) => [level, facts['requestId'], String(facts['text']).split('\n    at')[0]]),
      [
        ['info', 'R1knPc2ntjMCFIA=', 'an object { a: 1 }'],
        ['warn', 'R1knPc2ntjMCFIA=', 'two\nlines'],
        ['error', 'R1knPc2ntjMCFIA=', 'Error: told'],
      ],
    );
    assert.ok(lines.every(({ facts }) => facts['function'] === 'chat'));
  });

  test('one that shouts is listened to in measure', async (t) => {
    const { target, log } = moduleTarget(t, 'enemies.cjs', { export: 'enemy', maxInstances: 1 });
    const began = performance.now();
    assert.equal((await invoke(target, doing('shouts'))).type, 'returned');
    await isCalm(target);
    const seconds = (performance.now() - began) / 1_000;
    const texts = log.all.map(({ facts }) => String(facts['text']));
    const bytes = texts.reduce((sum, text) => sum + text.length, 0);
    assert.ok(bytes < (seconds + 1) * 262_144 + 65_536 && texts.length < 20_000, `${bytes} bytes in ${seconds} s`);
  });

  test('hundreds of calls of enemies and friends end each as they should', async (t) => {
    const { target } = moduleTarget(t, 'enemies.cjs', { export: 'enemy', maxInstances: 3 });
    const kinds = ['calm', 'throws', 'calm', 'circular', 'calm', 'calm', 'text', 'calm'];
    const calls = Array.from({ length: 400 }, (_, index) => (index % 200 === 199 ? 'exits' : (kinds[index % kinds.length] ?? 'calm')));
    const results = await Promise.all(calls.map((does) => invoke(target, doing(does))));
    for (const [index, result] of results.entries()) {
      const does = calls[index] ?? '';
      const wanted = does === 'calm' || does === 'text' ? 'returned' : 'threw';
      assert.equal(result.type, wanted, does);
    }
  });
});

test('a warm call takes less than a millisecond, by the median', async (t) => {
  const { target } = moduleTarget(t, 'styles.cjs', { export: 'asynchronous', maxInstances: 1 });
  const spans: number[] = [];
  for (let count = 0; count < 600; count += 1) {
    const began = performance.now();
    await invoke(target, functionCall({ say: 'hi', requestContext: { routeKey: 'sendmessage', connectionId: 'Zz9yXw7vUt5sRqQ=' } }));
    spans.push(performance.now() - began);
  }
  const warm = spans.slice(100).toSorted((a, b) => a - b);
  const [median, p99] = [warm[250], warm[495]];
  t.diagnostic(`p50 ${median?.toFixed(3)} ms, p99 ${p99?.toFixed(3)} ms`);
  assert.ok(median !== undefined && median < 1, `p50 ${median} ms`);
});

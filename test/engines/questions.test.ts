import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Questions } from '../../src/engines/questions.ts';

function scene() {
  const questions = new Questions<string, string>();
  const sent: number[] = [];
  const ask = (asked: string, limitMs = 60_000) => questions.ask({ asked, limitMs, late: 'late', send: (n) => sent.push(n) });
  return { questions, sent, ask };
}

test('a question is answered by its number, and once', async () => {
  const { questions, sent, ask } = scene();
  const [one, two] = [ask('one'), ask('two')];
  assert.deepEqual(sent, [1, 2]);
  questions.answered(2, 'second', () => true);
  questions.answered(1, 'first', () => true);
  questions.answered(1, 'again', () => true);
  questions.answered(7, 'to nothing', () => true);
  assert.deepEqual([await one, await two], ['first', 'second']);
});

test('an answer that does not fit its question is dropped, and the right one still counts', async () => {
  const { questions, ask } = scene();
  const asked = ask('worker 1');
  questions.answered(1, 'from another', (who) => who === 'worker 2');
  questions.answered(1, 'right', (who) => who === 'worker 1');
  assert.equal(await asked, 'right');
});

test('no answer in time is the late one; those given up get what they are given up with', async () => {
  const { questions, ask } = scene();
  assert.equal(await ask('slow', 1), 'late');
  const [one, two] = [ask('worker 1'), ask('worker 2')];
  questions.giveUp((who) => (who === 'worker 1' ? 'gone' : undefined));
  assert.equal(await one, 'gone');
  questions.answered(3, 'fine', () => true);
  assert.equal(await two, 'fine');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { prettyLine } from '../../src/logs/pretty.ts';

const time = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

test('a line shows time, level, message and facts; an error stands below with its stack', () => {
  const line = JSON.stringify({
    level: 50,
    time,
    pid: 1,
    node: 'n1',
    text: 'two words',
    list: [1],
    err: { type: 'Error', message: 'no', stack: 'Error: no\n    at x' },
    msg: 'it failed',
  });
  assert.equal(
    prettyLine(`${line}\n`, false),
    '03:04:05.678 ERROR it failed node=n1 text="two words" list=[1]\n    Error: no\n        at x\n',
  );
});

test('nothing in a line is obeyed by the terminal', () => {
  const line = JSON.stringify({ level: 30, time, path: '/\u001b[2J', err: { stack: 'a\u001b]0;x\u0007\rb' }, msg: 'm' });
  // oxlint-disable-next-line no-control-regex
  assert.doesNotMatch(prettyLine(line, false), /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
});

test('levels are coloured where the terminal has colours; what is no JSON passes as it is', () => {
  assert.match(prettyLine(JSON.stringify({ level: 40, time, msg: 'm' }), true), /\p{Cc}\[33mWARN/u);
  assert.equal(prettyLine('plain\n', true), 'plain\n');
});

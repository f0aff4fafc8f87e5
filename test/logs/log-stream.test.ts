import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { LogStream } from '../../src/logs/log-stream.ts';
import type { Output } from '../../src/logs/output.ts';

type Done = (error?: Error | null) => void;

/** A reader that takes lines when the test says so. */
function slowReader() {
  const written: string[] = [];
  const waiting: Done[] = [];
  const output = {
    isGone: false as boolean,
    get isBusy() {
      return waiting.length > 0;
    },
    write(line: string, done: Done) {
      assert.equal(waiting.length, 0, 'one line at a time, else workers tear each other’s');
      written.push(line);
      waiting.push(done);
    },
  } satisfies Output;
  return { output, written, taken: (error?: Error) => waiting.shift()?.(error) };
}

function scene(maxBytes: number) {
  const reader = slowReader();
  const deaths: string[] = [];
  const stream: LogStream = new LogStream({
    output: reader.output,
    maxBytes,
    resumed: (dropped) => stream.write(`dropped ${dropped}`),
    died: ({ message }) => deaths.push(message),
  });
  return { ...reader, stream, deaths };
}

test('lines wait for a slow reader in order, up to a limit; what is over it is dropped, counted, and told in order', async () => {
  const { stream, written, taken } = scene(4);
  for (const line of ['a', 'b1', 'c2', 'd', 'e']) stream.write(line);
  assert.match(stream.problem ?? '', /too slow; lines dropped: 2/);
  await turn();
  assert.deepEqual(written, ['a'], 'one write is on its way at a time');
  for (let count = 0; count < 3; count += 1) taken();
  assert.deepEqual(written, ['a', 'b1c2', 'dropped 2']);
  assert.equal(stream.problem, null);
  await turn();
  stream.write('f');
  taken();
  assert.deepEqual(written.at(-1), 'f');
});

test('the first line of a turn goes at once, the others at its end, in writes that no pipe tears, and a longer line whole', async () => {
  const written: string[] = [];
  const output = {
    isBusy: false,
    isGone: false,
    write(text: string, done: Done) {
      written.push(text);
      done();
    },
  };
  const stream = new LogStream({ output, maxBytes: 100_000, resumed: () => {}, died: () => {} });
  const lines = ['first', 'x'.repeat(2_000), '\u00e4'.repeat(1_048), 'y', 'z'.repeat(5_000), 'last', 'end'];
  for (const line of lines) stream.write(line);
  assert.deepEqual(written, ['first']);
  await turn();
  const [first, two, three, one, long, last, end] = lines;
  assert.deepEqual(written, [first, `${two}${three}`, one, long, `${last}${end}`]);
  stream.write('next turn');
  assert.equal(written.at(-1), 'next turn');
});

test('a flush resolves when all is written, when nobody reads, and when its time is over', async () => {
  const { stream, taken, output } = scene(100);
  stream.write('a');
  stream.write('b');
  const flushed = stream.flush(60_000);
  taken();
  taken();
  await flushed;
  stream.write('c');
  await stream.flush(1);
  const given = stream.flush(60_000);
  output.isGone = true;
  taken(new Error('write EPIPE'));
  await given;
  await stream.flush(60_000);
});

test('a reader that is gone is told once, and everything after it is dropped and counted', () => {
  const { stream, taken, output, deaths, written } = scene(100);
  stream.write('a');
  stream.write('b');
  output.isGone = true;
  taken(new Error('write EPIPE'));
  for (let line = 0; line < 3; line += 1) stream.write('c');
  assert.deepEqual([deaths, written], [['write EPIPE'], ['a']]);
  assert.match(stream.problem ?? '', /nobody reads it \(write EPIPE\); lines dropped: 5/);
});

test('a file on a full disk costs the lines of that time only', async () => {
  const written: string[] = [];
  let isFull = true;
  const stream: LogStream = new LogStream({
    output: {
      isBusy: false,
      isGone: false,
      write(line, done) {
        if (isFull) return done(new Error('ENOSPC'));
        written.push(line);
        done();
      },
    },
    maxBytes: 100,
    resumed: (dropped) => stream.write(`dropped ${dropped}`),
    died: () => assert.fail('a disk has room again some day'),
  });
  for (const line of ['a', 'b', 'c']) stream.write(line);
  await turn();
  isFull = false;
  stream.write('d');
  await turn();
  assert.deepEqual(written, ['d', 'dropped 3']);
});

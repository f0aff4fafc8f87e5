import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Log } from '../../src/core/ports.ts';
import type { Gateway } from '../../src/index.ts';
import { Extensions } from '../../src/library/extensions.ts';
import { endOfTurn, ManualClock } from '../contracts/manual-clock.ts';
import { SILENT_LOG } from '../contracts/samples.ts';
import { moduleFiles } from '../support/module-files.ts';

/** An extension notes what is done with it in the gateway that it is given. */
const NOTING = (name: string, stop = ''): string =>
  `export function start(gateway) { gateway.notes.push('start ${name}'); globalThis.notes = gateway.notes; }
   export function stop() { globalThis.notes.push('stop ${name}'); ${stop} }`;

function scene(t: TestContext, files: Readonly<Record<string, string>>) {
  const folder = moduleFiles(t, files);
  const clock = new ManualClock();
  const told: string[] = [];
  const log: Log = { ...SILENT_LOG, warn: (_facts, message) => told.push(message), error: (_facts, message) => told.push(message) };
  const notes: string[] = [];
  const extensions = new Extensions({ log, clock });
  const start = (...names: string[]) =>
    extensions.start(
      names.map((name) => join(folder, name)),
      { notes } as unknown as Gateway,
    );
  return { extensions, clock, told, notes, start };
}

test('they start in order and stop in reverse; one may be a default export, or have nothing to stop', async (t) => {
  const files = {
    'a.mjs': NOTING('a'),
    'b.mjs': 'export default { start: async (gateway) => gateway.notes.push("start b") }',
    'c.mjs': NOTING('c'),
  };
  const { extensions, notes, start } = scene(t, files);
  await start('a.mjs', 'b.mjs', 'c.mjs');
  await extensions.stop();
  await extensions.stop();
  assert.deepEqual(notes, ['start a', 'start b', 'start c', 'stop c', 'stop a']);
});

test('one that throws in stop, or never stops, keeps nobody; all have 5 s together', async (t) => {
  const files = {
    'a.mjs': NOTING('a'),
    'b.mjs': NOTING('b', 'return new Promise(() => {});'),
    'c.mjs': NOTING('c', 'throw new Error("no");'),
  };
  const { extensions, clock, told, notes, start } = scene(t, files);
  await start('a.mjs', 'b.mjs', 'c.mjs');
  const stopped = extensions.stop();
  await endOfTurn();
  await clock.pass(5_000);
  await stopped;
  assert.deepEqual(notes.slice(3), ['stop c', 'stop b', 'stop a']);
  assert.deepEqual(told, ['an extension could not be stopped', 'an extension did not stop in time']);
  assert.equal(clock.pending, 0);
});

for (const [what, source, reason] of [
  ['is missing', null, /^EXTENSIONS: the module .*x\.mjs does not exist$/],
  ['has no start', 'export const begin = 1;', /^EXTENSIONS: .*x\.mjs must export a function start, undefined came$/],
  [
    'has a stop that is none',
    'export const start = () => {}; export const stop = 5;',
    /^EXTENSIONS: the export stop of .* must be a function, 5 came$/,
  ],
  ['throws on load', 'throw new Error("no")', /^EXTENSIONS: the module .* cannot be loaded: Error: no$/],
  [
    'throws in start',
    'export const start = async () => { throw new Error("no") };',
    /^EXTENSIONS: .*x\.mjs could not be started: Error: no$/,
  ],
] as const) {
  test(`an extension that ${what} ends the start with the reason`, async (t) => {
    const { extensions, notes, start } = scene(t, { 'a.mjs': NOTING('a'), ...(source !== null && { 'x.mjs': source }) });
    await assert.rejects(start('a.mjs', 'x.mjs'), { name: 'BackendProblem', message: reason });
    await extensions.stop();
    assert.equal(notes.at(-1), 'stop a');
  });
}

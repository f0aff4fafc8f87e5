import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { FileWatch } from '../../src/config/file-watch.ts';
import type { Log } from '../../src/core/ports.ts';
import { ManualClock } from '../contracts/manual-clock.ts';

type Told = { readonly level: 'error' | 'info'; readonly facts: object };

/** Two files that belong together, and what came of watching them. What begins with `bad` cannot be used. */
async function scene(t: TestContext, names: readonly string[] = ['cert', 'key']) {
  const folder = await mkdtemp(join(tmpdir(), 'file-watch-'));
  t.after(() => rm(folder, { recursive: true }));
  const told: Told[] = [];
  const log: Log = {
    error: (facts) => void told.push({ level: 'error', facts }),
    info: (facts) => void told.push({ level: 'info', facts }),
    warn: () => {},
    debug: () => {},
    isDebugging: false,
  };
  const clock = new ManualClock();
  const watch = new FileWatch({ clock, log });
  const used: string[] = [];
  const write = (name: string, text: string) => writeFile(join(folder, name), text);
  const begin = async (...texts: string[]) => {
    await Promise.all(names.map((name, index) => write(name, texts[index] ?? '')));
    watch.add({
      paths: names.map((name) => join(folder, name)),
      inUse: texts.map((text) => Buffer.from(text)),
      use(contents) {
        const text = contents.map(String).join('+');
        if (contents.some((content) => String(content).startsWith('bad'))) return `${text} cannot be used`;
        used.push(text);
        return null;
      },
    });
  };
  return { folder, watch, write, begin, used, told, clock };
}

test('what has changed is used, what has not is left alone', async (t) => {
  const { watch, write, begin, used, told } = await scene(t);
  await begin('a1', 'k1');
  await watch.look();
  assert.deepEqual([used, told], [[], []]);
  await write('cert', 'a2');
  await write('key', 'k2');
  await watch.look();
  await watch.look();
  assert.deepEqual(used, ['a2+k2']);
  assert.deepEqual(
    told.map(({ level }) => level),
    ['info'],
  );
});

test('content counts, not times: the same length within the same moment, and a file that is only touched', async (t) => {
  const { watch, write, begin, used } = await scene(t);
  await begin('a1', 'k1');
  await write('cert', 'a1');
  await watch.look();
  assert.deepEqual(used, []);
  await write('cert', 'a2');
  await watch.look();
  assert.deepEqual(used, ['a2+k1']);
});

test('an atomic rename, and the swapped links of Kubernetes, are seen', async (t) => {
  const { folder, watch, write, begin, used } = await scene(t, ['..data/cert', '..data/key']);
  for (const [name, cert, key] of [
    ['v1', 'a1', 'k1'],
    ['v2', 'a2', 'k2'],
  ] as const) {
    await mkdir(join(folder, name));
    await write(`${name}/cert`, cert);
    await write(`${name}/key`, key);
  }
  await symlink('v1', join(folder, '..data'));
  await begin('a1', 'k1');
  await symlink('v2', join(folder, '..data_tmp'));
  await rename(join(folder, '..data_tmp'), join(folder, '..data'));
  await rm(join(folder, 'v1'), { recursive: true });
  await watch.look();
  assert.deepEqual(used, ['a2+k2']);
  await write('cert.new', 'a3');
  await rename(join(folder, 'cert.new'), join(folder, 'v2/cert'));
  await watch.look();
  assert.deepEqual(used, ['a2+k2', 'a3+k2']);
});

test('half of a pair changes nothing and is told once; the other half makes it whole', async (t) => {
  const { watch, write, begin, used, told } = await scene(t);
  await begin('a1', 'k1');
  await write('cert', 'bad');
  for (let look = 0; look < 3; look += 1) await watch.look();
  assert.deepEqual(used, []);
  assert.deepEqual(
    told.map(({ level }) => level),
    ['error'],
  );
  assert.match(JSON.stringify(told[0]?.facts), /bad\+k1 cannot be used/);
  await write('cert', 'a2');
  await watch.look();
  assert.deepEqual(used, ['a2+k1']);
});

test('a file that is gone changes nothing, is told once, and is used when it is there again', async (t) => {
  const { folder, watch, write, begin, used, told } = await scene(t);
  await begin('a1', 'k1');
  await rm(join(folder, 'key'));
  for (let look = 0; look < 3; look += 1) await watch.look();
  assert.deepEqual([used, told.map(({ level }) => level)], [[], ['error']]);
  await write('key', 'k2');
  await watch.look();
  assert.deepEqual(used, ['a1+k2']);
});

test('it looks by itself, well within ten seconds, and no more once it is stopped', async (t) => {
  const { watch, write, begin, used, clock } = await scene(t);
  await begin('a1', 'k1');
  await write('key', 'k2');
  await clock.pass(5_000);
  await watch.look(); // waits for the one that has begun
  assert.deepEqual(used, ['a1+k2']);
  watch.stop();
  await write('key', 'k3');
  await clock.pass(60_000);
  assert.equal(clock.pending, 0);
  assert.deepEqual(used, ['a1+k2']);
});

test('several looks at once are done one after the other: the last sees what was there when it was asked for', async (t) => {
  const { watch, write, begin, used } = await scene(t);
  await begin('a1', 'k1');
  const first = watch.look();
  await write('key', 'k2');
  await Promise.all([first, watch.look()]);
  assert.equal(used.at(-1), 'a1+k2');
});

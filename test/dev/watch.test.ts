import assert from 'node:assert/strict';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Watch } from '../../src/dev/watch.ts';
import { Arrivals } from '../support/arrivals.ts';
import { folderWith } from '../support/folder.ts';

async function watching(
  t: TestContext,
  files: Readonly<Record<string, string>>,
  elsewhere: readonly string[] = [],
): Promise<{ folder: string; told: Arrivals<string> }> {
  const folder = await folderWith(t, files);
  const told = new Arrivals<string>();
  const watch = new Watch({
    folder: join(folder, 'service'),
    files: elsewhere.map((file) => join(folder, file)),
    changed: (paths) => paths.forEach((path) => told.add(path)),
  });
  t.after(() => watch.close());
  return { folder, told };
}

test('what changes is told, in folders that are made meanwhile, too', async (t) => {
  const { folder, told } = await watching(t, { 'service/src/a.js': '' });
  await writeFile(join(folder, 'service/src/a.js'), 'x');
  await told.first((path) => path.endsWith('src/a.js'));
  await mkdir(join(folder, 'service/lib'));
  await told.first((path) => path.endsWith('service/lib'));
  await writeFile(join(folder, 'service/lib/b.js'), 'x');
  await told.first((path) => path.endsWith('lib/b.js'));
  await rm(join(folder, 'service/lib'), { recursive: true });
  await told.atLeast(2, (path) => path.endsWith('service/lib'));
});

test('what is not the service’s own code is not told; of a folder elsewhere one file only, also when another takes its place', async (t) => {
  const files = { 'service/node_modules/x/a.js': '', 'service/.git/a': '', 'common.yml': '', 'other.yml': '', 'service/a.js': '' };
  const { folder, told } = await watching(t, files, ['common.yml']);
  for (const path of ['service/node_modules/x/a.js', 'service/.git/a', 'other.yml']) await writeFile(join(folder, path), 'x');
  await writeFile(join(folder, 'next.yml'), 'x');
  await rename(join(folder, 'next.yml'), join(folder, 'common.yml'));
  await told.first((path) => path.endsWith('common.yml'));
  await writeFile(join(folder, 'service/a.js'), 'x');
  await told.first((path) => path.endsWith('a.js'));
  assert.deepEqual([...new Set(told.all.map((path) => path.slice(folder.length + 1)))], ['common.yml', 'service/a.js']);
});

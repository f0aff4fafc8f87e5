import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { readRoutesFile, type RoutesFileError } from '../../../src/routes/file.ts';
import { routesFile } from '../../support/routes-file.ts';

for (const page of ['docs/dialects/stream.md', 'src/dialects/stream/README.md', 'docs/migration.md']) {
  test(`the routes of ${page} are a routes file`, async (t) => {
    const text = await readFile(new URL(`../../../${page}`, import.meta.url), 'utf8');
    const [, example = ''] = /^```yaml\n(.*?)^```$/ms.exec(text) ?? [];
    const routes = await readRoutesFile((await routesFile(t, example)).path);
    assert.ok(routes.length > 0 && routes.every(({ dialect }) => dialect === 'stream'));
  });
}

test('mistakes are told with file, line and path, all at once, and without a password', async (t) => {
  const { path } = await routesFile(
    t,
    `routes:
  - path: /a
    dialect: stream
    backend: redis://u:hunter2@h?strem=x
    open: redis://h
  - path: /b
    dialect: stream
    backend: redis://u:hunter2@h?stream={json.a}
    jsonExtractVars: { a: x..y }
  - path: /c
    dialect: stream
    backend: redis://u:hunter2@h?stream={json.a}
    jsonExtractVars: { a: x, b: y }
    open: ''
  - path: /d
    backend: redis://u:hunter2@h
  - path: /e
    dialect: stream
    backend: https://h
    streamIncludeTags: all
`,
  );
  const { problems } = await readRoutesFile(path).then(
    () => assert.fail('it was read'),
    (error: unknown) => error as RoutesFileError,
  );
  const told = problems.map((problem) => problem.replace(`${path}:`, ''));
  assert.ok(!told.join(' ').includes('hunter2'));
  const wanted = [
    /^4: routes\.0\.backend: has no parameter "strem"; it has stream/,
    /^5: routes\.0\.open: must be a URL with http:\/\/ or https:\/\//,
    /^9: routes\.1\.jsonExtractVars: a must be a path such as/,
    /^13: routes\.2\.jsonExtractVars: has b, which no name uses/,
    /^14: routes\.2\.open: must be a URL/,
    /^16: routes\.3\.backend: must be a URL with http:\/\/ or https:\/\//,
    /^19: routes\.4\.backend: must be a URL that begins with redis:\/\//,
    /^20: routes\.4\.streamIncludeTags: must be array/,
  ];
  for (const pattern of wanted)
    assert.ok(
      told.some((problem) => pattern.test(problem)),
      `${String(pattern)} among\n${told.join('\n')}`,
    );
  assert.equal(told.length, wanted.length, told.join('\n'));
});

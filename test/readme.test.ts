import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const textOf = (path: string): string => readFileSync(join(root, path), 'utf8');
const pages = globSync(['*.md', 'docs/**/*.md', 'src/**/*.md', 'bench/**/*.md', 'helm/**/*.md'], { cwd: root });

type Manifest = { readonly engines: { readonly node: string }; readonly devDependencies: Readonly<Record<string, string>> };
type Lock = { readonly packages: Readonly<Record<string, { readonly engines?: { readonly node: string } }>> };

const { engines, devDependencies } = JSON.parse(textOf('package.json')) as Manifest;
const lock = JSON.parse(textOf('package-lock.json')) as Lock;
const [, needed = ''] = /^>=([\d.]+)$/.exec(engines.node) ?? assert.fail(`engines.node is ${engines.node}, wanted >= and a version`);

function isAtLeast(version: string, least: string): boolean {
  const [a, b] = [version, least].map((one) => one.split('.').map(Number)) as [number[], number[]];
  const index = [0, 1, 2].find((place) => (a[place] ?? 0) !== (b[place] ?? 0));
  return index === undefined || (a[index] ?? 0) > (b[index] ?? 0);
}

test('what Node is needed is one figure: package.json, its lock, and every page that says it', () => {
  assert.equal(lock.packages['']?.engines?.node, engines.node);
  const told = pages.flatMap((page) =>
    [...textOf(page).matchAll(/Node(?:\.js)? v?(\d[\d.]*\d|\d+) (?:or|and) (?:newer|later|up)/g)].map(
      ([, version]) => `${page}: ${version}`,
    ),
  );
  assert.deepEqual(
    told.filter((line) => !line.endsWith(`: ${needed}`)),
    [],
  );
  assert.ok(told.includes(`README.md: ${needed}`), 'the README does not say what Node is needed');
});

test('the Node of the scripts, of the image and of compose.yaml is one, and is not older than what is needed', () => {
  const { node = '' } = devDependencies;
  assert.ok(isAtLeast(node, needed), `${node} is older than ${needed}`);
  for (const file of ['Dockerfile', 'compose.yaml'])
    assert.deepEqual([...new Set([...textOf(file).matchAll(/\bnode:([\d.]+)-slim\b/g)].map(([, version]) => version))], [node], file);
});

test('no dependency of what runs needs a newer Node than the one that we name', () => {
  const newer: string[] = [];
  for (const [path, { engines: theirs, ...entry }] of Object.entries(lock.packages)) {
    if (path === '' || ('dev' in entry && entry.dev === true)) continue;
    const least = [...(theirs?.node ?? '').matchAll(/>=\s*v?([\d.]+)/g)].map(([, version = '']) => version);
    if (least.length > 0 && !least.some((version) => isAtLeast(needed, version))) newer.push(`${path}: ${theirs?.node}`);
  }
  assert.deepEqual(newer, []);
});

test('every program and routes file of examples/ has a link in the README', () => {
  const examples = globSync(['examples/*.mjs', 'examples/*/*.{mjs,php,py,yaml}'], { cwd: root }).filter(
    (file) => !/^examples\/demo\/(?!demo\.mjs)/.test(file), // the demo's own parts
  );
  assert.ok(examples.length >= 9, examples.join(' '));
  assert.deepEqual(
    examples.filter((file) => !textOf('README.md').includes(`](${file})`)),
    [],
  );
});

test('the exchange of the README shows WS-URI on every event, and the other headers that each has', () => {
  const exchanges = [...textOf('README.md').matchAll(/```http\n(.*?)```/gs)].map(([, text = '']) => text);
  assert.ok(exchanges.length >= 3, `${exchanges.length} exchanges`);
  for (const [index, text] of exchanges.entries()) {
    for (const header of ['WS-URI', 'WS-Connection', 'WS-Event', 'WS-Event-Id', 'WS-Seq', 'Authorization'])
      assert.match(text, new RegExp(`^${header}: \\S`, 'm'), `exchange ${index + 1}`);
  }
});

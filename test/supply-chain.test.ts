import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { validateWorkflow } from '@action-validator/core';
import { parse } from 'yaml';
import { writeSbom } from '../tools/sbom.ts';

const root = new URL('../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');

type Step = { readonly uses?: string; readonly run?: string; readonly with?: Readonly<Record<string, unknown>> };
type Job = { readonly permissions?: object; readonly 'timeout-minutes'?: number; readonly steps: readonly Step[] };
type Workflow = { readonly permissions?: Readonly<Record<string, string>>; readonly jobs: Readonly<Record<string, Job>> };

const FOLDER = '.github/workflows/';
const workflows = readdirSync(new URL(FOLDER, root)).map((name) => ({
  name,
  text: read(FOLDER + name),
  ...(parse(read(FOLDER + name)) as Workflow),
}));
const lock = JSON.parse(read('package-lock.json')) as {
  packages: Readonly<
    Record<
      string,
      { resolved?: string; integrity?: string; license?: string; version?: string; dev?: boolean; peer?: boolean; link?: boolean }
    >
  >;
};
const manifest = JSON.parse(read('package.json')) as {
  scripts: object;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
};

const shipped = Object.entries(lock.packages).filter(([path, { dev, peer }]) => path !== '' && dev !== true && peer !== true);

test('the workflows are ones that GitHub takes', () => {
  assert.deepEqual(workflows.map(({ name }) => name).toSorted(), ['audit', 'release', 'test']);
  for (const { name, text } of workflows) assert.deepEqual(validateWorkflow(text).errors, [], name);
  assert.notDeepEqual(
    validateWorkflow('name: x\non: push\njobs:\n  a:\n    runs-on: x\n    stepps: []\n').errors,
    [],
    'the check sees what is wrong',
  );
});

test('no job has more rights than it says, runs for ever, or keeps a token for what it runs', () => {
  for (const { name, permissions, jobs } of workflows) {
    assert.ok(permissions !== undefined && Object.values(permissions).every((right) => right === 'read'), `${name}: rights by default`);
    for (const [id, { 'timeout-minutes': limit, steps }] of Object.entries(jobs)) {
      assert.ok(limit !== undefined && limit <= 60, `${name}: ${id} has no limit`);
      for (const { uses, run, with: given } of steps) {
        assert.ok((uses === undefined) !== (run === undefined), `${name}: a step of ${id} neither uses nor runs, or both`);
        if (uses?.startsWith('actions/checkout@')) assert.equal(given?.['persist-credentials'], false, `${name}: ${id}`);
        assert.doesNotMatch(run ?? '', /\$\{\{/, `${name}: what others may choose must come into a script by its environment`);
      }
    }
  }
});

test('every action is pinned to a commit, with the version beside it, and to the same one everywhere', () => {
  const pins = new Map<string, string>();
  for (const { name, text, jobs } of workflows) {
    const pinned = [...text.matchAll(/^ +(?:- )?uses: ([\w-]+\/[\w-]+)@([\da-f]{40} # v\d+\.\d+\.\d+)$/gm)];
    const used = Object.values(jobs).flatMap(({ steps }) => steps.filter(({ uses }) => uses !== undefined));
    assert.equal(pinned.length, used.length, `${name}: a tag can be moved, a commit cannot`);
    for (const [, action = '', pin = ''] of pinned) {
      assert.equal(pins.get(action) ?? pin, pin, `${name}: ${action}`);
      pins.set(action, pin);
    }
  }
  assert.ok(pins.size >= 9);
});

test('what the workflows run is there', () => {
  const runs = workflows.flatMap(({ jobs }) => Object.values(jobs).flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? [])));
  for (const [, script = ''] of runs.join('\n').matchAll(/npm run (?:-s )?([\w:-]+)/g)) assert.ok(script in manifest.scripts, script);
  for (const path of ['.ci/run', 'helm/wsaas/Chart.yaml', 'helm/wsaas/values.yaml', 'docs/licences.md', 'CHANGELOG.md', 'Dockerfile']) {
    assert.ok(
      runs.some((run) => run.includes(path)),
      path,
    );
    assert.ok(existsSync(new URL(path, root)), path);
  }
  const values = read('helm/wsaas/values.yaml');
  assert.match(values, /^ {2}repository: wsaas$/m, 'the release replaces this line');
  assert.match(values, /^ {2}digest: ''$/m, 'the release replaces this line');
  const version = (JSON.parse(read('package.json')) as { version: string }).version;
  assert.match(read('helm/wsaas/Chart.yaml'), new RegExp(`^version: ${version}$`, 'm'));
  assert.ok(read('Dockerfile').includes(`image.version="${version}"`));
});

test('every package is pinned: exactly in package.json, and what is shipped by its hash in the lock file', () => {
  for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }))
    assert.match(version, /^\d+\.\d+\.\d+(-[\w.]+)?$/, name);
  // tools for other machines have a hash only where npm saw them, which npm 11 leaves out for those that it does not install
  assert.deepEqual(
    shipped.filter(([, { integrity }]) => !integrity?.startsWith('sha512-')),
    [],
  );
});

/** Licences that ask for nothing but their own text to be kept. */
const PERMISSIVE = new Set([
  'MIT',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'BlueOak-1.0.0',
  'Unlicense',
  'CC0-1.0',
  'Python-2.0',
]);

test('what is shipped is under licences that let it be', () => {
  assert.ok(shipped.length > 50);
  assert.deepEqual(
    shipped.filter(([, { license = '' }]) => !PERMISSIVE.has(license)),
    [],
  );
});

test('the list of what the program is made of has every package that is shipped, and no tool', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'wsaas-list-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [cyclonedx = '', spdx = ''] = writeSbom(folder);
  const { components } = JSON.parse(readFileSync(cyclonedx, 'utf8')) as { components: { 'bom-ref': string; licenses?: object[] }[] };
  const wanted = new Set(shipped.map(([path, { version }]) => `${path.slice(path.lastIndexOf('node_modules/') + 13)}@${version}`));
  assert.deepEqual(new Set(components.map((one) => one['bom-ref'])), wanted);
  assert.ok(components.every(({ licenses = [] }) => licenses.length > 0));
  const { packages } = JSON.parse(readFileSync(spdx, 'utf8')) as { packages: object[] };
  assert.equal(packages.length, components.length + 1, 'and the program itself');
});

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const SRC = fileURLToPath(new URL('../src', import.meta.url));
const MAX_LINES = 400;

/** DESIGN §2: folder → other folders of `src`, and npm packages, that it may import. `node:*` is for all. */
const TABLE: Readonly<Record<string, { readonly folders: readonly string[]; readonly packages: readonly string[] }>> = {
  core: { folders: [], packages: [] },
  dialects: { folders: ['core'], packages: ['fastify', 'fastify-plugin', 'typebox', '@fastify/type-provider-typebox'] },
  backends: { folders: ['core'], packages: ['undici', 'standardwebhooks', 'iovalkey', 'amqplib'] },
  buses: { folders: ['core'], packages: ['iovalkey', '@nats-io/transport-node', '@nats-io/jetstream', '@nats-io/kv'] },
  ledgers: { folders: ['core'], packages: ['iovalkey', '@nats-io/transport-node', '@nats-io/jetstream', '@nats-io/kv'] },
  sockets: { folders: ['core'], packages: ['fastify', 'fastify-plugin', '@fastify/websocket', 'ws', 'undici', 'jose'] },
  control: { folders: ['core'], packages: ['fastify', 'fastify-plugin', 'prom-client', 'typebox'] },
  server: { folders: ['core'], packages: ['fastify', 'fastify-plugin', 'pino', '@fastify/swagger', 'typebox'] },
};

/** The files right under `src` put the folders together; each may use whatever package the project has. */
const ROOT = '.';

/**
 * Folders that put others together, as files of the root do, and who may import them beside themselves: `generate` is
 * the inside of cli.ts, `routing` that of app.ts.
 */
const COMPOSITION: Readonly<Record<string, RegExp>> = { generate: /^cli\.ts$/, routing: /^([a-z-]+\.ts$|generate\/)/ };

type Source = { readonly path: string; readonly folder: string; readonly text: string; readonly targets: readonly string[] };

const sources = read();

/** Specifiers of `import`, `export … from` and `import()`, types too. */
function targetsOf(text: string): string[] {
  const code = text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  const found = code.matchAll(
    /^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]|\bimport\s*\(\s*['"]([^'"]+)['"]/gm,
  );
  return [...found].map(([, from, bare, dynamic]) => from ?? bare ?? dynamic ?? '');
}

function read(): readonly Source[] {
  return readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => {
      const text = readFileSync(join(SRC, path), 'utf8');
      return { path, folder: dirname(path).split('/')[0] ?? ROOT, text, targets: targetsOf(text) };
    });
}

/** Why a file may not import this, or null. */
function problemOf({ path, folder }: Source, target: string): string | null {
  if (target.startsWith('node:')) return null;
  const isOurs = target.startsWith('.');
  const to = isOurs ? join(dirname(path), target).split('/') : [];
  if (to[0] === '..') return 'lies outside of src';
  const importers = COMPOSITION[to[0] ?? ''];
  if (importers !== undefined && folder !== to[0] && !importers.test(path)) return `${to[0]} is not for ${path}`;
  if (folder === ROOT || folder in COMPOSITION) return null;
  const row = TABLE[folder];
  if (row === undefined) return `folder ${folder} has no row in the table`;
  if (!isOurs) {
    const name = target
      .split('/')
      .slice(0, target.startsWith('@') ? 2 : 1)
      .join('/');
    return row.packages.includes(name) ? null : `${folder} may not use the package ${name}`;
  }
  const toFolder = to.length === 1 ? ROOT : to[0];
  if (toFolder === folder) return folder === 'dialects' ? siblingProblem(path.split('/'), to) : null;
  return toFolder !== undefined && row.folders.includes(toFolder)
    ? null
    : `${folder} may not import ${toFolder === ROOT ? 'a root file' : toFolder}`;
}

/** Files right under `dialects` (the registry, what several share) see all dialects; a dialect sees itself and those files. */
function siblingProblem(from: readonly string[], to: readonly string[]): string | null {
  return from.length < 3 || to.length < 3 || from[1] === to[1] ? null : `dialect ${from[1]} may not import dialect ${to[1]}`;
}

test('every import under src goes down the layers, never sideways', () => {
  assert.ok(sources.length > 30 && sources.some(({ targets }) => targets.length > 5), 'the imports of src were not read');
  const offenders = sources.flatMap((source) =>
    source.targets.flatMap((target) => {
      const problem = problemOf(source, target);
      return problem === null ? [] : [`${source.path} -> ${target} (${problem})`];
    }),
  );
  assert.deepEqual(offenders, []);
});

test('core knows nobody but Node', () => {
  const offenders = sources
    .filter(({ folder }) => folder === 'core')
    .flatMap(({ path, targets }) => targets.filter((target) => !/^(node:|\.\/)/.test(target)).map((target) => `${path} -> ${target}`));
  assert.deepEqual(offenders, []);
});

test('every import names its file', () => {
  const offenders = sources.flatMap(({ path, targets }) =>
    targets.filter((target) => target.startsWith('.') && !/\.(ts|json)$/.test(target)).map((target) => `${path} -> ${target}`),
  );
  assert.deepEqual(offenders, []);
});

test('the reader of imports sees every form of them', () => {
  const forms = `import a from 'a';\nimport type { B } from "b";\nimport 'c';\nexport { d } from 'd';\nimport {\n  e,\n} from 'e';
    const f = await import('f');\n// import g from 'g';\n/* import h from 'h'; */\nexport type * from 'i';`;
  assert.deepEqual(targetsOf(forms).toSorted(), ['a', 'b', 'c', 'd', 'e', 'f', 'i']);
});

test(`no file has more than ${MAX_LINES} lines`, () => {
  const offenders = sources
    .map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
    .filter(({ lines }) => lines > MAX_LINES);
  assert.deepEqual(offenders, []);
});

test('no file is named after nothing in particular', () => {
  const vague = /util|helper|common|manager|service|\bmisc\b/i;
  assert.deepEqual(
    sources.map(({ path }) => path).filter((path) => vague.test(path)),
    [],
  );
  assert.deepEqual(
    sources.map(({ path }) => path).filter((path) => !/^([a-z0-9]+(-[a-z0-9]+)*\/)*[a-z0-9]+(-[a-z0-9]+)*\.ts$/.test(path)),
    [],
    'file names are kebab-case',
  );
});

test('nothing is exported without a name', () => {
  assert.deepEqual(pathsWith(/^\s*export\s+default\b|\bas\s+default\b/m), []);
});

test('no type is given up: no any, no enum, no namespace', () => {
  assert.deepEqual(pathsWith(/(:|\bas|<)\s*any\b|^\s*(export\s+)?(const\s+)?enum\s|^\s*(export\s+)?namespace\s/m), []);
});

test('the environment is read by main, config and cli only', () => {
  const allowed = new Set(['main.ts', 'config.ts', 'cli.ts']);
  assert.deepEqual(
    pathsWith(/\bprocess\s*\.\s*env\b|\benv\b.*from\s*['"]node:process['"]/).filter((path) => !allowed.has(path)),
    [],
  );
});

/** Files whose code, comments taken out, matches. */
function pathsWith(pattern: RegExp): string[] {
  return sources
    .filter(({ text }) => pattern.test(text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')))
    .map(({ path }) => relative('.', path));
}

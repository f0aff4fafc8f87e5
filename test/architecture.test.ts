import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const SRC = fileURLToPath(new URL('../src', import.meta.url));
const MAX_LINES = 350;

type Row = { readonly rooms: readonly string[]; readonly packages: readonly string[] };

/** Room of `src` → the other rooms, and the npm packages, that it may import. `node:*` is for all. */
const LAW: Readonly<Record<string, Row>> = {
  core: { rooms: [], packages: [] },
  wire: { rooms: ['core'], packages: ['typebox', 'jose'] },
  dialects: { rooms: ['wire', 'core'], packages: ['fastify', 'typebox'] },
  backends: {
    rooms: ['wire', 'core'],
    packages: ['undici', 'standardwebhooks', '@smithy/signature-v4', '@smithy/types', '@aws-sdk/credential-provider-node'],
  },
  // wire has the port of a technology's stream, beside what an entry is
  engines: {
    rooms: ['wire', 'core'],
    packages: ['close-with-grace', 'pino', 'typebox', 'ioredis', 'amqplib', '@nats-io/transport-node', '@nats-io/jetstream', '@nats-io/kv'],
  },
  edge: {
    rooms: ['wire', 'core'],
    packages: ['fastify', 'fastify-plugin', '@fastify/websocket', 'ws', 'fast-querystring', 'prom-client', 'typebox', 'jose'],
  },
  // the schema of the routes file is made of the dialects' options, and its values are read by the forms of the options
  routes: { rooms: ['dialects', 'config', 'wire', 'core'], packages: ['find-my-way', 'typebox', 'yaml'] },
  // the dialects' options are options
  config: { rooms: ['dialects', 'wire', 'core'], packages: ['typebox', 'env-schema', 'fastest-levenshtein'] },
  // code in the gateway's process: it sees the gateway through the core, and its handlers are a backend
  library: { rooms: ['backends', 'routes', 'dialects', 'config', 'wire', 'core'], packages: [] },
  // what a tracing system is told, by its own packages
  tracing: {
    rooms: ['wire', 'core'],
    packages: [
      '@opentelemetry/api',
      '@opentelemetry/core',
      '@opentelemetry/resources',
      '@opentelemetry/sdk-trace',
      '@opentelemetry/exporter-trace-otlp-proto',
    ],
  },
  // what V8 tells of the process
  profiling: { rooms: [], packages: [] },
  // where log lines go, and how they look: it knows nothing of what is logged
  logs: { rooms: [], packages: ['pino'] },
  // what the command line takes and says; a mistake in the configuration has its exit code from there; what `tail` prints are sightings
  cli: { rooms: ['config', 'core', 'templates', 'dev'], packages: ['fastest-levenshtein', 'typebox', 'undici'] },
  // what others' tools write, read into routes: pure, and known to commands only
  templates: { rooms: ['config'], packages: ['yaml'] },
};

/** The files right under `src`, and the steps of app.ts in their room, put the rooms together; each may use whatever the project has. */
const ROOT_FILES: readonly string[] = ['main.ts', 'program.ts', 'serve.ts', 'reread.ts', 'app.ts', 'index.ts', 'fastify.ts'];
const ROOT = '.';
const SEES_ALL: ReadonlySet<string> = new Set([ROOT, 'app', 'dev']);

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
  if (SEES_ALL.has(folder)) return null;
  const row = LAW[folder];
  if (row === undefined) return `room ${folder} has no row in the law`;
  if (!isOurs) {
    const name = target
      .split('/')
      .slice(0, target.startsWith('@') ? 2 : 1)
      .join('/');
    return row.packages.includes(name) ? null : `${folder} may not use the package ${name}`;
  }
  const toFolder = to.length === 1 ? ROOT : (to[0] ?? ROOT);
  if (toFolder === folder) return HAS_SIBLINGS.has(folder) ? siblingProblem(path.split('/'), to) : null;
  return row.rooms.includes(toFolder) ? null : `${folder} may not import ${toFolder === ROOT ? 'a root file' : toFolder}`;
}

/** Rooms whose folders know nothing of each other. */
const HAS_SIBLINGS = new Set(['dialects', 'engines', 'backends']);

/** Files right under such a room (its registry) see all its folders; a folder sees itself and those files. */
function siblingProblem(from: readonly string[], to: readonly string[]): string | null {
  return from.length < 3 || to.length < 3 || from[1] === to[1] ? null : `${from[0]}/${from[1]} may not import ${to[0]}/${to[1]}`;
}

test('every file lies in a room under the law, or is a root file that the law names', () => {
  const rooms = [...new Set(sources.map(({ folder }) => folder).filter((folder) => !SEES_ALL.has(folder)))];
  assert.deepEqual(rooms.toSorted(), Object.keys(LAW).toSorted());
  assert.deepEqual(sources.flatMap(({ path, folder }) => (folder === ROOT ? [path] : [])).toSorted(), ROOT_FILES.toSorted());
});

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

test('no file imports itself in a circle, types counted too', () => {
  const imports = new Map(
    sources.map(({ path, targets }) => [
      path,
      targets.filter((target) => target.startsWith('.')).map((target) => join(dirname(path), target)),
    ]),
  );
  const circles: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) circles.push([...trail.slice(start), path].join(' -> '));
    if (start >= 0 || done.has(path)) return;
    for (const target of imports.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of imports.keys()) visit(path, []);
  assert.deepEqual(circles, []);
});

/** An open verdict's refusal, and its 101, are HTTP by nature. */
const MAY_SPEAK_HTTP = new Set(['core/events.ts', 'core/refusals.ts']);

test('the core has no HTTP word, but in the open verdict', () => {
  const words = /\b(https?|headers?|methods?|urls?|status|fetch)\b/i;
  const offenders = sources
    .filter(({ path, folder }) => folder === 'core' && !MAY_SPEAK_HTTP.has(path))
    .flatMap(({ path, text }) =>
      text.split('\n').flatMap((line, index) => (words.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
    );
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

test('the environment is read by the program and config only', () => {
  const allowed = new Set(['program.ts', 'config/load.ts', 'config/environment.ts']);
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

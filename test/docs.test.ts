import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CLOSE, CLOSE_CODES } from '../src/core/close-codes.ts';
import { ERRORS } from '../src/wire/errors.ts';
import { options } from '../src/config/options.ts';
import { DIALECTS } from '../src/dialects/index.ts';
import { readRoutesFile } from '../src/routes/file.ts';
import { RESERVED_SEGMENTS } from '../src/wire/client-ids.ts';
import { routesFile } from './support/routes-file.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const pages = globSync(['*.md', 'docs/**/*.md', 'src/**/*.md', 'examples/**/*.md', 'bench/**/*.md', 'helm/**/*.md'], { cwd: root });

test('every relative link of every page leads to a file', () => {
  const broken: string[] = [];
  for (const page of pages) {
    const text = readFileSync(join(root, page), 'utf8').replaceAll(/```.*?```/gs, '');
    for (const [, link = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link) || link.startsWith('#')) continue;
      if (!existsSync(join(root, dirname(page), link.split('#')[0] ?? ''))) broken.push(`${page} -> ${link}`);
    }
  }
  assert.deepEqual(broken, []);
});

test('every test that docs/guarantees.md and docs/security.md name is in the file that it links, and each guarantee has some', () => {
  const sections = readFileSync(join(root, 'docs/guarantees.md'), 'utf8').split(/^## /m).slice(1);
  const security = readFileSync(join(root, 'docs/security.md'), 'utf8');
  const lost: string[] = [];
  for (const section of [...sections, security]) {
    const cited = [...section.matchAll(/\[`([^`]+)`\]\(\.\.\/(test\/[^)]+)\)/g)];
    assert.ok(cited.length >= 3, section.split('\n')[0]);
    for (const [, name = '', file = ''] of cited) {
      const names = [
        ...readFileSync(join(root, file), 'utf8').matchAll(/\b(?:test|suite|t\.test)\(\s*(['`])(.*?)\1,|'([^']+)': \{ data:/g),
      ];
      if (!names.some(([, , title, title2]) => (title ?? title2)?.includes(name))) lost.push(`${file}: ${name}`);
    }
  }
  assert.deepEqual(lost, []);
});

test('every error code that the sources answer is a row of the table in docs/errors.md', () => {
  const EVENTS_AND_OUTCOMES = new Set(['OK', 'QUEUED', 'NEW_CONNECTION', 'CONNECTION_CLOSE']);
  const rows = new Set(
    [...readFileSync(join(root, 'docs/errors.md'), 'utf8').matchAll(/^\| \d{3} +\| `([A-Z_]+)`/gm)].map(([, code]) => code),
  );
  assert.deepEqual(rows, new Set(Object.keys(ERRORS)));
  const lost: string[] = [];
  for (const file of globSync('src/**/*.ts', { cwd: root })) {
    const text = readFileSync(join(root, file), 'utf8');
    for (const [, ...codes] of text.matchAll(/\bcode: '([A-Z_]+)'|\{"code":"([A-Z_]+)"|(?:GatewayError|refused)\((?:\d{3}, )?'([A-Z_]+)'/g))
      for (const code of codes) if (code !== undefined && !rows.has(code) && !EVENTS_AND_OUTCOMES.has(code)) lost.push(`${file}: ${code}`);
  }
  assert.deepEqual(lost, []);
});

test('pages name no option that does not exist', () => {
  const known = new Set([
    ...Object.keys(options),
    ...Object.keys(ERRORS),
    'CONTROL_URL',
    'CONTROL_CA_FILE',
    'CONTROL_CERT_FILE',
    'CONTROL_KEY_FILE',
    'TARGET_ADDRESS',
    'LOCAL_ADDRESS',
    'WS_PORT',
    'HTTP_PORT',
    'MAX_PAGE',
  ]);
  const prefixes =
    /^(WS|API|BACKEND|CONTROL|INBOX|DRAIN|CLOSE|OPEN|MAX|SEND|ROUTES|JOURNAL|TRUST|REFUSE|FORWARD|HANDSHAKE|IDEMPOTENCY|SLOW)_[A-Z_]+$/;
  const unknown: string[] = [];
  for (const page of pages.filter((name) => name !== 'CHANGELOG.md')) {
    for (const [, word = ''] of readFileSync(join(root, page), 'utf8').matchAll(/`([A-Z_]+)(?:=[^`]*)?`/g)) {
      if (prefixes.test(word) && !known.has(word)) unknown.push(`${page}: ${word}`);
    }
  }
  assert.deepEqual(unknown, []);
});

test('every file that a README of the sources names lies beside it', () => {
  const lost = globSync('src/**/README.md', { cwd: root }).flatMap((page) =>
    [...readFileSync(join(root, page), 'utf8').matchAll(/`([a-z-]+\.ts)`/g)]
      .filter(([, name = '']) => !existsSync(join(root, dirname(page), name)))
      .map(([, name]) => `${page}: ${name}`),
  );
  assert.deepEqual(lost, []);
});

test('docs/routes.md names every word that no client may choose as its id', () => {
  const [, words = ''] =
    /The words that the control API needs for\s+itself \(([^)]*)\)/.exec(readFileSync(join(root, 'docs/routes.md'), 'utf8')) ?? [];
  const told = [...words.matchAll(/`([^`]+)`/g)].map(([, word]) => word);
  const reserved = new Set([...RESERVED_SEGMENTS, ...Object.values(DIALECTS).flatMap(({ reservedSegments }) => reservedSegments)]);
  assert.deepEqual(new Set(told), reserved);
});

test('the example of docs/routes.md is a routes file', async (t) => {
  const [, example = ''] = /^```yaml\n(.*?)^```$/ms.exec(readFileSync(join(root, 'docs/routes.md'), 'utf8')) ?? [];
  const { path } = await routesFile(t, example);
  assert.equal((await readRoutesFile(path)).length, 2);
});

test('every close code that the sources send is a value of the table, and none is written as a number', () => {
  let values = 0;
  const numbers: string[] = [];
  for (const file of globSync('src/**/*.ts', { cwd: root })) {
    if (file.endsWith('core/close-codes.ts')) continue;
    const text = readFileSync(join(root, file), 'utf8');
    for (const [found] of text.matchAll(/\.(?:close|terminate|ended)\(\d{4},|\b(?:code|closeCode|Code): \d{4}\b/g))
      numbers.push(`${file}: ${found}`);
    values += [...text.matchAll(/\bCLOSE\.[A-Z_]+/g)].length;
  }
  assert.deepEqual(numbers, []);
  assert.ok(values >= 15, `the search found ${values} codes`);
});

test('the values of the table are its codes', () => {
  assert.deepEqual(
    Object.values(CLOSE),
    Object.values(CLOSE_CODES).map(({ code }) => code),
  );
});

import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CLOSE_CODES } from '../src/core/close-codes.ts';
import { ERRORS } from '../src/wire/errors.ts';
import { options } from '../src/config/options.ts';

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

test('pages name no option that does not exist', () => {
  const known = new Set([
    ...Object.keys(options),
    ...Object.keys(ERRORS),
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

test('every close code that the sources send has a row in the table', () => {
  const listed = new Set<number>(Object.values(CLOSE_CODES).map(({ code }) => code));
  const sent = new Set<number>();
  for (const file of globSync('src/**/*.ts', { cwd: root })) {
    for (const [, code] of readFileSync(join(root, file), 'utf8').matchAll(/\.(?:close|terminate)\((\d{4}),/g)) sent.add(Number(code));
  }
  assert.deepEqual(
    [...sent].filter((code) => !listed.has(code)),
    [],
  );
  assert.ok(sent.size >= 3, `the search found ${sent.size} codes`);
});

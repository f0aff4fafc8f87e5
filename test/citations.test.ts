import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const sources = globSync(['src/**/*.ts', 'test/**/*.ts', 'tools/**/*.ts', 'bench/**/*.ts'], { cwd: root });
const pages = globSync(['*.md', 'docs/**/*.md', 'src/**/*.md', 'examples/**/*.md', 'bench/**/*.md', 'helm/**/*.md'], { cwd: root });

function textOf(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** A heading's anchor as GitHub makes it. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

const anchors = new Map<string, ReadonlySet<string>>();

function hasSection(page: string, anchor: string): boolean {
  if (!existsSync(join(root, page))) return false;
  let known = anchors.get(page);
  if (known === undefined) {
    const text = textOf(page).replaceAll(/^```.*?^```/gms, '');
    known = new Set([...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading)));
    anchors.set(page, known);
  }
  return anchor === '' || known.has(anchor);
}

/** The comments of a TypeScript file; what a string holds that looks like one does no harm here. */
function commentsOf(text: string): string[] {
  return [...text.matchAll(/\/\*.*?\*\/|(?<=^|\s)\/\/[^\n]*/gms)].map(([comment]) => comment);
}

test('every page and section of docs/ that a comment cites is there', () => {
  const lost: string[] = [];
  let cited = 0;
  for (const file of sources) {
    for (const [, page = '', anchor = ''] of textOf(file).matchAll(/\b(docs\/[\w/-]+\.md)(?:#([\w-]+))?/g)) {
      cited += 1;
      if (!hasSection(page, anchor)) lost.push(`${file} -> ${page}#${anchor}`);
    }
  }
  assert.deepEqual(lost, []);
  assert.ok(cited > 40, `the search found ${cited} citations`);
});

test('a guarantee that is cited by its number is one of docs/guarantees.md', () => {
  const known = new Set([...textOf('docs/guarantees.md').matchAll(/^## (G\d+) /gm)].map(([, name]) => name));
  const lost = sources.flatMap((file) =>
    [...textOf(file).matchAll(/\bG\d+\b/g)].filter(([name]) => !known.has(name)).map(([name]) => `${file}: ${name}`),
  );
  assert.deepEqual(lost, []);
});

test('what a comment cites by a section sign is a published standard, and nothing outside the repository is cited', () => {
  const STANDARD = /RFC \d+|W3C Trace Context|OCPP-J [\d.]+|Standard Webhooks/;
  const foreign: string[] = [];
  for (const file of sources) {
    if (file === 'test/citations.test.ts') continue;
    for (const comment of commentsOf(textOf(file))) {
      const sign = comment.indexOf('§');
      if (sign >= 0 && !STANDARD.test(comment.slice(0, sign))) foreign.push(`${file}: ${comment.slice(Math.max(0, sign - 30), sign + 4)}`);
      for (const [name] of comment.matchAll(/\b(?:CONTRACT|DESIGN)\b(?:\.md)?/g)) foreign.push(`${file}: ${name}`);
    }
  }
  assert.deepEqual(foreign, []);
});

test('every link of a page to a section leads to a heading', () => {
  const broken: string[] = [];
  for (const page of pages) {
    for (const [, link = '', anchor = ''] of textOf(page).matchAll(/\]\(([^)\s#:]*)#([^)\s]+)\)/g)) {
      const target = link === '' ? page : normalize(join(dirname(page), link));
      if (!hasSection(target, anchor)) broken.push(`${page} -> ${link}#${anchor}`);
    }
  }
  assert.deepEqual(broken, []);
});

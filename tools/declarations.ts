import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

// What the package says of its types: the declarations of its entry points and of what they mention, and of nothing else of
// `src`. They are written beside the emitted JavaScript, with the comments that an editor shows.

const ROOT = fileURLToPath(new URL('..', import.meta.url));
export const ENTRY_POINTS = ['index', 'fastify'];

/** The declarations by their paths in `dist`. */
export function declarations(): ReadonlyMap<string, string> {
  const emitted = mkdtempSync(join(tmpdir(), 'declarations-'));
  try {
    execFileSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', join(ROOT, 'src/tsconfig.types.json'), '--outDir', emitted], {
      stdio: 'inherit',
    });
    const found = new Map<string, string>();
    const paths = ENTRY_POINTS.map((name) => `${name}.d.ts`);
    for (let path = paths.shift(); path !== undefined; path = paths.shift()) {
      if (found.has(path)) continue;
      const text = readFileSync(join(emitted, path), 'utf8');
      const at = dirname(path);
      paths.push(...[...text.matchAll(/ from '(\.[^']+)\.ts'/g)].map(([, target = '']) => `${join(at, target)}.d.ts`));
      found.set(path, text.replaceAll(/( from '\.[^']+)\.ts'/g, "$1.js'"));
    }
    return found;
  } finally {
    rmSync(emitted, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  for (const [path, text] of declarations()) {
    const target = join(ROOT, 'dist', path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
  }
}

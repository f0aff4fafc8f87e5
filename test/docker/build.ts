import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, posix, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestContext } from 'node:test';
import { execForm, ignoreFilter, only, parseCopy, parseDockerfile, type Instruction, type Stage } from './dockerfile.ts';

export const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const RUN_LIMIT_MS = 120_000;
/** What npm told the process that runs these tests of its own project, and what Node was told; how to reach the registry stays. */
const FOREIGN = /^(npm_(?!config_(?!local_prefix))|NODE_(?!EXTRA_CA_CERTS)|INIT_CWD$)/;

/** What an image would hold, in a folder, and how it would be started. */
export type Image = {
  /** Stands for `/` of the image. */
  readonly root: string;
  readonly workdir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly entrypoint: readonly string[];
  readonly healthcheck: readonly string[];
};

export function readStages(): Stage[] {
  return parseDockerfile(readFileSync(join(PROJECT, 'Dockerfile'), 'utf8'));
}

/**
 * Does what `docker build` would do, without an engine: each stage is a folder, COPY takes from the files that .dockerignore lets in
 * or from an earlier stage, RUN runs the very command there. The base image's part, Node, is the Node of this process.
 */
export async function buildImage(t: Pick<TestContext, 'after'>): Promise<Image> {
  const folder = mkdtempSync(join(tmpdir(), 'wsaas-image-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const context = join(folder, 'context');
  copyContext(context);
  const stages = readStages();
  const roots = new Map<string, string>();
  let built = { workdir: '/', env: {} as Record<string, string> };
  for (const stage of stages) {
    const root = join(folder, `stage-${stage.name}`);
    mkdirSync(root);
    roots.set(stage.name, root);
    built = await runStage(stage, root, (from) => (from === null ? context : rootOf(roots, from)));
  }
  const last = stages.at(-1);
  if (last === undefined) throw new Error('the Dockerfile has no FROM');
  const [, check = ''] = only(last, 'HEALTHCHECK').split(/\bCMD\s+/);
  return { root: rootOf(roots, last.name), ...built, entrypoint: execForm(only(last, 'ENTRYPOINT')), healthcheck: execForm(check) };
}

async function runStage(stage: Stage, root: string, sourceOf: (from: string | null) => string) {
  const env: Record<string, string> = {};
  let workdir = '/';
  for (const { name, rest } of stage.instructions) {
    if (name === 'WORKDIR') {
      workdir = posix.resolve(workdir, rest);
      mkdirSync(join(root, workdir), { recursive: true });
    } else if (name === 'ENV') {
      const [key = '', value = ''] = rest.split(/=(.*)/s);
      env[key] = value;
    } else if (name === 'COPY') {
      copy({ name, rest }, { root, workdir }, sourceOf);
    } else if (name === 'RUN') {
      await run(rest, join(root, workdir), env);
    }
  }
  return { workdir, env };
}

function copyContext(context: string): void {
  const text = readFileSync(join(PROJECT, '.dockerignore'), 'utf8');
  const isIn = ignoreFilter(text);
  const holdsAnException = (path: string): boolean => text.includes(`\n!${path}/`);
  const filter = (path: string): boolean => {
    const inside = relative(PROJECT, path);
    return inside === '' || isIn(inside) || holdsAnException(inside);
  };
  cpSync(PROJECT, context, { recursive: true, filter });
}

function copy(
  { rest }: Instruction,
  { root, workdir }: { readonly root: string; readonly workdir: string },
  sourceOf: (from: string | null) => string,
): void {
  const { fromStage, sources, target } = parseCopy(rest);
  const into = target.startsWith('/') ? join(root, target) : join(root, workdir, target);
  for (const source of sources) {
    const path = join(sourceOf(fromStage), source);
    if (!existsSync(path))
      throw new Error(`COPY ${rest}: there is no ${source} in ${fromStage === null ? 'what .dockerignore lets in' : `stage ${fromStage}`}`);
    const there = target.endsWith('/') ? join(into, basename(path)) : into;
    if (fromStage === null) cpSync(path, there, { recursive: true, verbatimSymlinks: true });
    else link(path, there);
  }
}

/** A copy of what a stage has made, which nothing changes any more, takes a tenth of the time. */
function link(path: string, there: string): void {
  const found = lstatSync(path);
  mkdirSync(found.isDirectory() ? there : dirname(there), { recursive: true });
  if (found.isDirectory()) for (const name of readdirSync(path)) link(join(path, name), join(there, name));
  else if (found.isSymbolicLink()) symlinkSync(readlinkSync(path), there);
  else linkSync(path, there);
}

function rootOf(roots: ReadonlyMap<string, string>, name: string): string {
  const root = roots.get(name);
  if (root === undefined) throw new Error(`COPY --from=${name}: no earlier stage has that name`);
  return root;
}

/** PATH with this process's Node first, as in the base image; nothing that npm told the process that runs the tests. */
export function imageEnvironment(env: Readonly<Record<string, string>>): Record<string, string> {
  return { PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`, ...env };
}

function run(command: string, cwd: string, env: Readonly<Record<string, string>>): Promise<void> {
  const inherited = Object.entries(process.env).filter(([name]) => !FOREIGN.test(name));
  const npm = { npm_config_prefer_offline: 'true', npm_config_audit: 'false', npm_config_fund: 'false', npm_config_fetch_retries: '1' };
  const environment = { ...(Object.fromEntries(inherited) as Record<string, string>), ...npm, ...imageEnvironment(env) };
  return new Promise((resolve, reject) => {
    execFile('/bin/sh', ['-c', command], { cwd, env: environment, timeout: RUN_LIMIT_MS, maxBuffer: 2 ** 24 }, (error, stdout, stderr) => {
      if (error === null) return resolve();
      const text = `RUN ${command} ended with ${String(error.code ?? error.signal)}:\n${stdout.slice(-2_000)}${stderr.slice(0, 4_000)}`;
      reject(new Error(text));
    });
  });
}

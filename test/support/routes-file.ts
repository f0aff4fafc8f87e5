import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

export type RoutesFile = {
  readonly path: string;
  /** Replaces its text. Who wants it read sends SIGHUP. */
  readonly write: (text: string) => Promise<void>;
};

/** A routes file with this text; gone when the test ends. */
export async function routesFile(t: Pick<TestContext, 'after'>, text: string): Promise<RoutesFile> {
  const folder = await mkdtemp(join(tmpdir(), 'routes-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'routes.yaml');
  await writeFile(path, text);
  return { path, write: (next) => writeFile(path, next) };
}

/** The routes file of an example, with the place where its backend listens now. */
export async function exampleRoutes(t: Pick<TestContext, 'after'>, example: string, backendUrl: string): Promise<RoutesFile> {
  const text = await readFile(new URL(`../../examples/${example}/routes.yaml`, import.meta.url), 'utf8');
  return routesFile(t, text.replace('http://127.0.0.1:3000', backendUrl));
}

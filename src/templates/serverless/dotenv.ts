import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { textOf, type Node } from '../node.ts';
import { readText } from '../parse.ts';

type Dotenv = { readonly environment: Readonly<Record<string, string | undefined>>; readonly files: readonly string[] };

/** What `${env:…}` reads beside the shell: `.env` and `.env.<stage>`, where the template says `useDotenv`, or is of version 4. */
export function readDotenv(root: Node, stage: string): Dotenv {
  const property = (name: string): string => (root.type === 'map' ? (textOf(root.entries.get(name)) ?? '') : '');
  if (property('useDotenv') !== 'true' && !/^\D*4/.test(property('frameworkVersion'))) return { environment: {}, files: [] };
  const folder = dirname(resolve(root.place.file));
  const files = ['.env', `.env.${stage}`].map((name) => join(folder, name)).filter((file) => existsSync(file));
  return { environment: Object.assign({}, ...files.map((file) => parseEnv(readText(file)))) as Dotenv['environment'], files };
}

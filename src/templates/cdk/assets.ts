import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { FindAsset } from '../cloudformation/functions.ts';
import { Cursor } from '../cursor.ts';
import type { Node } from '../node.ts';
import { parseFile } from '../parse.ts';

/** The assets of a stack by their hashes: `<Stack>.assets.json` beside `<Stack>.template.json`. A stack without such a file has none. */
export function assetsOf(template: string): { readonly findAsset: FindAsset; readonly files: readonly string[] } {
  const file = template.replace(/\.template\.json$/, '.assets.json');
  const root = file === template || !existsSync(file) ? null : parseFile(file);
  const folder = dirname(resolve(template));
  const sources = root === null ? new Map<string, string>() : sourcesOf(root, folder);
  return {
    files: root === null ? [] : [file],
    findAsset({ properties, metadata }) {
      const key = properties.get('Code', 'S3Key').text();
      const hash = /([0-9a-f]{64})(?:\.[a-z]+)?$/.exec(key ?? '')?.[1];
      const found = hash === undefined ? undefined : sources.get(hash);
      if (found !== undefined) return found;
      const told = metadata.get('aws:asset:path').text(); // where a template was made by `sam` or an old CDK
      return told === null ? null : resolve(folder, told);
    },
  };
}

function sourcesOf(root: Node, folder: string): Map<string, string> {
  const at = new Cursor(root, (node) => node, { path: '', place: root.place });
  const sources = at
    .get('files')
    .entries()
    .flatMap(([hash, entry]) => {
      const path = entry.get('source', 'path').text();
      return path === null ? [] : [[hash, join(folder, path)] as const];
    });
  return new Map(sources);
}

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Cursor } from '../cursor.ts';
import { TemplateError } from '../notes.ts';
import { parseFile } from '../parse.ts';

/** `manifest.json` of what `cdk synth` wrote, and the templates of its stacks. Stages (nested assemblies) are gone into. */
export type Assembly = { readonly templates: readonly string[]; readonly files: readonly string[] };

const MAX_ASSEMBLIES = 50;

/** Reads `cdk.out`. Throws a TemplateError. */
export function readAssembly(folder: string): Assembly {
  const templates: string[] = [];
  const files: string[] = [];
  const folders = [folder];
  for (const at of folders) {
    if (folders.length > MAX_ASSEMBLIES) throw new TemplateError([`${folder}: at most ${MAX_ASSEMBLIES} assemblies were wanted`]);
    const file = join(at, 'manifest.json');
    if (!existsSync(file)) throw new TemplateError([`${at}: a template file, or a folder that cdk synth wrote (cdk.out), was wanted`]);
    const root = parseFile(file);
    files.push(file);
    const artifacts = new Cursor(root, (node) => node, { path: '', place: root.place }).get('artifacts');
    for (const [, artifact] of artifacts.entries()) {
      const properties = artifact.get('properties');
      const template = properties.get('templateFile').text();
      const nested = properties.get('directoryName').text();
      if (artifact.get('type').text() === 'aws:cloudformation:stack' && template !== null) templates.push(join(at, template));
      if (artifact.get('type').text() === 'cdk:cloud-assembly' && nested !== null) folders.push(join(at, nested));
    }
  }
  return { templates, files };
}

import { statSync } from 'node:fs';
import { basename, extname, resolve } from 'node:path';
import type { AwsTemplate, TemplateOptions } from './aws-api.ts';
import { readAssembly } from './cdk/assembly.ts';
import { readStacks } from './cloudformation/read.ts';
import type { Node } from './node.ts';
import { Notes, TemplateError } from './notes.ts';
import { parseFile } from './parse.ts';
import { readServerless } from './serverless/read.ts';

const WANTED = 'a serverless.yml, a SAM or CloudFormation template (YAML or JSON), or what cdk synth wrote (cdk.out) was wanted';

/**
 * Reads what describes a WebSocket API on AWS: a file of Serverless, SAM or CloudFormation, or the folder `cdk.out`. It executes
 * nothing and asks nobody. Throws a TemplateError that says file, line and what was wanted.
 */
export async function readTemplate(path: string, options: TemplateOptions): Promise<AwsTemplate> {
  const notes = new Notes();
  if (isFolder(path)) {
    const { templates, files } = readAssembly(path);
    const read = await readStacks(templates.map(parsed), options, notes);
    return { apis: read.apis, notes: notes.lines, files: [...files, ...templates, ...read.files].map((file) => resolve(file)) };
  }
  if (/^\.[cm]?[jt]s$/.test(extname(path)))
    throw new TemplateError([`${path}: ${WANTED}; a program is not executed here: give what \`serverless print\` prints of it, as a file`]);
  const file = parsed(path);
  const read = isServerless(file.root) ? await readServerless(file.root, options, notes) : await readStacks([file], options, notes);
  return { apis: read.apis, notes: notes.lines, files: [path, ...read.files].map((each) => resolve(each)) };
}

function parsed(file: string): { readonly file: string; readonly root: Node } {
  const root = parseFile(file);
  if (root.type !== 'map' || !(root.entries.has('Resources') || isServerless(root))) throw new TemplateError([`${file}:1: ${WANTED}`]);
  return { file, root };
}

function isServerless(root: Node): boolean {
  return root.type === 'map' && !root.entries.has('Resources') && (root.entries.has('service') || root.entries.has('provider'));
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    throw new TemplateError([`${basename(path)}: ${(error as Error).message}; ${WANTED}`]);
  }
}

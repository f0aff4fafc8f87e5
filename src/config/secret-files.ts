import { readFileSync } from 'node:fs';
import { Type, type TSchema } from 'typebox';
import type { Reading } from './credential-forms.ts';
import { plain } from './given.ts';
import { decodeText } from './text-file.ts';

/** Where a secret came from, and what was there. */
export type SecretFile = { readonly path: string; readonly content: Buffer };

/** The variable that names a file with the value of a secret option. */
export function fileVariable(name: string): string {
  return `${name}_FILE`;
}

/** With an option `NAME_FILE` behind each secret option NAME: Secrets are mounted as files, and files show up in no list of processes. */
export function withSecretFiles(options: Readonly<Record<string, TSchema>>): Record<string, TSchema> {
  const all: Record<string, TSchema> = {};
  for (const [name, schema] of Object.entries(options)) {
    all[name] = schema;
    if (!isSecret(schema)) continue;
    const description = `File that holds \`${name}\`, in its place.`;
    all[fileVariable(name)] = Type.Optional(Type.String({ description }));
  }
  return all;
}

/** The values with those of the secrets that files hold, and which file each of them came from. `problems` gets a line for each that cannot be used. */
export function withSecrets(
  values: Readonly<Record<string, string>>,
  options: Readonly<Record<string, TSchema>>,
  problems: string[],
): { readonly given: Record<string, string>; readonly files: ReadonlyMap<string, SecretFile> } {
  const given = { ...values };
  const files = new Map<string, SecretFile>();
  for (const [name, schema] of Object.entries(options)) {
    const variable = fileVariable(name);
    const file = values[variable];
    if (file === undefined || !isSecret(schema)) continue;
    const secret = values[name] === undefined ? readSecret(file) : { problem: `must not be set beside ${name}` };
    if ('problem' in secret) {
      problems.push(`${variable}: ${secret.problem}, came ${JSON.stringify(file)}`);
    } else {
      given[name] = secret.text;
      files.set(name, { path: file, content: secret.content });
    }
  }
  return { given, files };
}

/** What the file holds, without what editors and Secrets add. */
function readSecret(file: string): { readonly text: string; readonly content: Buffer } | { readonly problem: string } {
  try {
    const content = readFileSync(file);
    const text = secretIn(content);
    return text === '' ? { problem: EMPTY_FILE } : { text, content };
  } catch (error) {
    return { problem: `must be a file that this process may read (${(error as Error).message})` };
  }
}

const EMPTY_FILE = 'must be a file that holds something';

/** A secret option's value, as `read` makes it of a file that was written anew; or what is wrong with it. */
export function rereadSecret(content: Uint8Array, read: (text: string) => Reading): Reading {
  const text = secretIn(content);
  return text === '' ? EMPTY_FILE : read(text);
}

function secretIn(bytes: Uint8Array): string {
  return plain(decodeText(bytes));
}

function isSecret(schema: TSchema): boolean {
  return (schema as { readonly isSecret?: boolean }).isSecret === true;
}

import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { AwsApi, AwsTarget, AwsTemplate, TemplateOptions } from '../../src/templates/aws-api.ts';
import { readTemplate } from '../../src/templates/read.ts';
import { folderWith } from '../support/folder.ts';

/** Nothing is said of the template from outside. */
export const NOTHING_SAID: TemplateOptions = { stage: undefined, region: undefined, parameters: new Map(), environment: {} };

/** Reads the first of these files, which lie in one folder. */
export async function read(
  t: Pick<TestContext, 'after'>,
  files: Readonly<Record<string, string>>,
  options: Partial<TemplateOptions> = {},
): Promise<AwsTemplate & { readonly folder: string; readonly api: AwsApi }> {
  const folder = await folderWith(t, files);
  const [first = ''] = Object.keys(files);
  const template = await readTemplate(join(folder, first), { ...NOTHING_SAID, ...options });
  return {
    ...template,
    folder,
    get api() {
      const [api] = template.apis;
      if (api === undefined) throw new Error(`no API was read: ${template.notes.join('\n')}`);
      return api;
    },
  };
}

/** What an authorizer looks for in a request. */
export function identitySourceOf({ authorizer }: AwsApi): readonly string[] | null {
  return authorizer !== null && authorizer.target !== null ? authorizer.identitySource : null;
}

/** What a route runs, in one line: the name of a function with its file and export, an ARN or a URL. */
export function targetText(target: AwsTarget | undefined, folder: string): string {
  switch (target?.type) {
    case undefined:
      return 'none';
    case 'mock':
      return 'mock';
    case 'http':
      return target.url;
    case 'elsewhere':
      return target.arn;
    case 'function': {
      const { name, code } = target.function;
      const where = code.type === 'file' ? `${code.file.replace(`${folder}/`, '')} ${code.export}` : code.type;
      return `${name}: ${where}`;
    }
  }
}

export function routeTexts({ routes }: AwsApi, folder: string): Record<string, string> {
  return Object.fromEntries([...routes].map(([key, { target }]) => [key, targetText(target, folder)]));
}

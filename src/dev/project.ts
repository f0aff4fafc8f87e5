import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chosenApis } from '../cli/commands/template-arguments.ts';
import { DEFAULT_REGION, type AwsApi, type TemplateOptions } from '../templates/aws-api.ts';
import { awsRoutes } from '../templates/aws-routes.ts';
import { TemplateError } from '../templates/notes.ts';
import { readTemplate } from '../templates/read.ts';
import { routesText } from '../templates/routes-text.ts';
import { handlerEnvironment } from './handler-environment.ts';
import { functionsOf, type Workspace } from './workspace.ts';

/** A template, and what of it is to run. */
export type ProjectOptions = {
  readonly template: string;
  readonly options: TemplateOptions;
  /** Undefined: all. */
  readonly apis: readonly string[] | undefined;
};

export type Project = {
  readonly apis: readonly AwsApi[];
  /** Where clients of each API connect, in the same order. */
  readonly paths: readonly string[];
  /** For ROUTES_FILE. */
  readonly routes: string;
  /** What AWS would call the hosts of the APIs. */
  readonly hosts: readonly string[];
  /** Is every handler's file there? One may have to be built. */
  readonly isComplete: boolean;
  /** What could not be mapped. */
  readonly notes: readonly string[];
  /** Files that the template is made of. */
  readonly files: readonly string[];
};

/** A file beside this one in the sources, and a file of its own in the package, in which this one lies somewhere else. */
function preload(name: string): string {
  const file = import.meta.filename.endsWith('.ts')
    ? join(import.meta.dirname, `${name}.ts`)
    : join(dirname(findPackageJSON(import.meta.url) ?? ''), `dist/dev/${name}.js`);
  return pathToFileURL(file).href;
}

/** Reads the template and makes routes of it whose handlers run here. Throws a TemplateError. */
export async function readProject(
  { template, options, apis: names }: ProjectOptions,
  { workspace, domainName }: { readonly workspace: Workspace; readonly domainName: string },
): Promise<Project> {
  const read = await readTemplate(template, options);
  const apis = chosenApis(read.apis, names);
  if (typeof apis === 'string') throw new TemplateError([...read.notes, `${template}: ${apis}`]);
  const ids = apis.map(({ apiId }) => apiId).join();
  const { routes, notes } = awsRoutes(apis, {
    targets: 'module',
    isOpen: true, // to who can reach this machine's own address
    region: options.region,
    domainName,
    folder: workspace.folder,
    writtenFiles: await workspace.writeInlineCode(apis),
    environmentOf: ({ code }, own, api) =>
      handlerEnvironment({
        shell: options.environment,
        own,
        certificateFile: workspace.certificateFile,
        callbackUrl: `https://${domainName}/${api.stage}`,
        region: regionOf(api, options),
        isTypeScript: code.type === 'file' && /\.[cm]?ts$/.test(code.file),
        preloads: {
          ownHosts: `${preload('own-hosts')}?gateway=${domainName}&apis=${ids}`,
          typescriptImports: preload('typescript-imports'),
        },
      }),
  });
  return {
    apis,
    paths: routes.map(({ path }) => path),
    routes: routesText(routes, []),
    isComplete: functionsOf(apis).every(({ code }) => code.type !== 'missing'),
    hosts: apis.map((api) => `${api.apiId}.execute-api.${regionOf(api, options)}.amazonaws.com`),
    notes: [...read.notes, ...notes],
    files: read.files,
  };
}

/** Where a handler finds itself. */
function regionOf({ region }: AwsApi, options: TemplateOptions): string {
  const { AWS_REGION, AWS_DEFAULT_REGION } = options.environment;
  return options.region ?? region ?? AWS_REGION ?? AWS_DEFAULT_REGION ?? DEFAULT_REGION;
}

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AwsApi, AwsFunction } from '../templates/aws-api.ts';

/** Only its owner reads it: a routes file holds the environment of handlers. */
const PRIVATE = { mode: 0o600 };

/** A folder of the session's own, gone with it. */
export type Workspace = {
  readonly folder: string;
  readonly routesFile: string;
  /** What handlers trust: the certificate of the session, and those that the shell's NODE_EXTRA_CA_CERTS names. */
  readonly certificateFile: string;
  readonly writeRoutes: (text: string) => Promise<void>;
  /** Writes the code that is in a template itself; returns the files by the names of their functions. */
  readonly writeInlineCode: (apis: readonly AwsApi[]) => Promise<ReadonlyMap<string, string>>;
  readonly remove: () => Promise<void>;
};

export async function openWorkspace(certificate: string, trustedFile: string | undefined): Promise<Workspace> {
  const folder = await mkdtemp(join(tmpdir(), 'wsaas-dev-'));
  const [routesFile, certificateFile] = [join(folder, 'routes.yaml'), join(folder, 'trusted.pem')] as const;
  const trusted = trustedFile === undefined ? '' : await readFile(trustedFile, 'utf8').catch(() => '');
  await writeFile(certificateFile, `${certificate}\n${trusted}`, PRIVATE);
  return {
    folder,
    routesFile,
    certificateFile,
    writeRoutes: (text) => writeFile(routesFile, text, PRIVATE),
    async writeInlineCode(apis) {
      const files = new Map<string, string>();
      for (const { name, code } of functionsOf(apis)) {
        if (code.type !== 'inline') continue;
        const file = join(
          folder,
          `${name.replaceAll(/[^A-Za-z0-9_-]/g, '_')}${/^\s*(?:import|export)\b/m.test(code.source) ? '.mjs' : '.cjs'}`,
        );
        await writeFile(file, code.source, PRIVATE);
        files.set(name, file);
      }
      return files;
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Every function that an API asks, its authorizer too. */
export function functionsOf(apis: readonly AwsApi[]): AwsFunction[] {
  const targets = apis.flatMap(({ routes, authorizer }) => [
    ...[...routes.values()].map(({ target }) => target),
    ...(authorizer?.target ? [authorizer.target] : []),
  ]);
  return targets.flatMap((target) => (target.type === 'function' ? [target.function] : []));
}

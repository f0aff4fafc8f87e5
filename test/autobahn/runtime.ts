import { spawnSync } from 'node:child_process';
import { findProgram } from '../examples/programs.ts';

const IMAGE = 'crossbario/autobahn-testsuite';

/** How to run the suite in a folder that holds `spec.json`. */
export type Runtime = { readonly name: string; readonly command: string; readonly argv: (folder: string) => readonly string[] };

const RUN = ['--mode', 'fuzzingclient', '--spec', 'spec.json'];

const DOCKER = ['run', '--rm', '--network=host'];

/** `wstest` of the PATH, else Docker where the image is there already; null where there is neither. */
export function findRuntime(): Runtime | null {
  const wstest = findProgram(['wstest']);
  if (wstest !== null) return { name: 'wstest', command: wstest, argv: () => RUN };
  const docker = findProgram(['docker']);
  if (docker === null || spawnSync(docker, ['image', 'inspect', IMAGE], { stdio: 'ignore' }).status !== 0) return null;
  return {
    name: `Docker image ${IMAGE}`,
    command: docker,
    argv: (folder) => [...DOCKER, '--volume', `${folder}:/run-of-suite`, '--workdir', '/run-of-suite', IMAGE, 'wstest', ...RUN],
  };
}

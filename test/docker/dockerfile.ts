/** One instruction of a Dockerfile, its lines joined and its build arguments filled in. */
export type Instruction = { readonly name: string; readonly rest: string };
export type Stage = { readonly name: string; readonly from: string; readonly instructions: readonly Instruction[] };
export type Copy = { readonly fromStage: string | null; readonly sources: readonly string[]; readonly target: string };

/** The stages of a Dockerfile, as far as ours uses the language: ARG before FROM, line continuations, comments. */
export function parseDockerfile(text: string): Stage[] {
  const stages: { name: string; from: string; instructions: Instruction[] }[] = [];
  const buildArguments: Record<string, string> = {};
  const joined = text.replaceAll(/^\s*#.*\n/gm, '').replaceAll(/\\\n/g, '');
  for (const line of joined.split('\n').filter((line) => line.trim() !== '')) {
    const [, name = '', rest = ''] = /^\s*([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    if (name === '') throw new Error(`no instruction of a Dockerfile: ${line}`);
    if (name === 'ARG' && stages.length === 0) {
      const [key = '', value = ''] = rest.split(/=(.*)/s);
      buildArguments[key] = value;
    } else if (name === 'FROM') {
      const [image = '', as = '', stage = ''] = rest.split(/\s+/);
      const from = image.replaceAll(/\$\{(\w+)\}/g, (_whole, key: string) => buildArguments[key] ?? '');
      stages.push({ name: as.toUpperCase() === 'AS' ? stage : String(stages.length), from, instructions: [] });
    } else {
      const stage = stages.at(-1);
      if (stage === undefined) throw new Error(`${name} comes before FROM`);
      stage.instructions.push({ name, rest });
    }
  }
  return stages;
}

export function parseCopy(rest: string): Copy {
  const words = rest.split(/\s+/);
  const flags = words.filter((word) => word.startsWith('--'));
  const paths = words.filter((word) => !word.startsWith('--'));
  const fromStage = flags.find((flag) => flag.startsWith('--from='))?.slice('--from='.length) ?? null;
  return { fromStage, sources: paths.slice(0, -1), target: paths.at(-1) ?? '' };
}

/** The words of an exec form (a JSON array); anything else would start a shell. */
export function execForm(rest: string): string[] {
  if (!rest.startsWith('[')) throw new Error(`a shell would stand between Docker and the process: ${rest}`);
  return JSON.parse(rest) as string[];
}

export function only(stage: Stage, name: string): string {
  const found = stage.instructions.filter((instruction) => instruction.name === name);
  if (found.length !== 1 || found[0] === undefined)
    throw new Error(`wanted ${name} once in stage ${stage.name}, it is there ${found.length} times`);
  return found[0].rest;
}

/** Does .dockerignore let this path (relative, with slashes) into the build? The last line that matches it or a folder above it decides. */
export function ignoreFilter(text: string): (path: string) => boolean {
  const lines = text.split('\n').map((line) => line.trim());
  const patterns = lines.filter((line) => line !== '' && !line.startsWith('#'));
  return (path) => {
    const parts = path.split('/');
    const selfAndAbove = parts.map((_part, index) => parts.slice(0, index + 1).join('/'));
    let isIn = true;
    for (const pattern of patterns) {
      const isException = pattern.startsWith('!');
      const glob = globPattern((isException ? pattern.slice(1) : pattern).replaceAll(/^\/+|\/+$/g, ''));
      if (selfAndAbove.some((candidate) => glob.test(candidate))) isIn = isException;
    }
    return isIn;
  };
}

/** Not path.matchesGlob: a star of .dockerignore matches names with a leading dot too. */
function globPattern(glob: string): RegExp {
  const wild: Readonly<Record<string, string>> = { '**/': '(?:.*/)?', '**': '.*', '*': '[^/]*', '?': '[^/]' };
  const source = glob.replaceAll(/\*\*\/|\*\*|[*?]|[.+^${}()|[\]\\]/g, (token) => wild[token] ?? `\\${token}`);
  return new RegExp(`^${source}$`);
}

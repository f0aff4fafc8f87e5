/** Everything that is wrong, one line a problem: variable, what was wanted, what came. Warnings, which may explain a problem, stand below. */
export class ConfigError extends Error {
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
  /** The file of routes, which may have mistakes of its own to be told with these. */
  readonly routesFile: string | undefined;

  constructor(problems: readonly string[], warnings: readonly string[] = [], routesFile?: string) {
    const title = `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'} in the configuration:`;
    const lines = [...problems, ...warnings.map((line) => `warning: ${line}`)];
    super([title, ...lines.map((line) => `  ${line}`)].join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
    this.warnings = warnings;
    this.routesFile = routesFile;
  }
}

/** What a command of the program is made of; its module is loaded when it is asked for. */
export type Command = {
  /** For `wsaas --help`: one sentence. */
  readonly help: string;
  readonly load: () => Promise<{
    /** Resolves with the exit code. What the user did wrong is said on stderr in one sentence. */
    readonly run: (argv: readonly string[]) => Promise<number>;
  }>;
};

/** `wsaas <name>`: one line each. */
export const COMMANDS: Readonly<Record<string, Command>> = {};

/** What a command of the program is made of; its module is loaded when it is asked for. */
export type Command = {
  /** For `wsaas --help`: one sentence. */
  readonly help: string;
  readonly load: () => Promise<{
    /** Resolves with the exit code. What the user did wrong is said on stderr in one sentence. */
    readonly run: (argv: readonly string[], env: Readonly<Record<string, string | undefined>>) => Promise<number>;
  }>;
};

/** `wsaas <name>`: one line each. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  dev: {
    help: "run the WebSocket APIs of AWS's templates on this machine, with their handlers",
    load: () => import('../dev/run.ts'),
  },
  'import-aws': {
    help: 'print routes for a template of Serverless, SAM, CloudFormation or the CDK',
    load: () => import('./commands/import-aws.ts'),
  },
  'import-wsgateway': { help: "print routes for wsgateway's config.yml", load: () => import('./commands/import-wsgateway.ts') },
  push: { help: 'push a message to one connection of a running gateway', load: () => import('./commands/push.ts') },
  close: { help: 'close one connection, or all that are selected', load: () => import('./commands/close.ts') },
  send: { help: 'push a message to all connections that are selected', load: () => import('./commands/send.ts') },
  status: { help: 'print a line for each connection', load: () => import('./commands/status.ts') },
  tags: { help: 'print the tags of all connections, or set some', load: () => import('./commands/tags.ts') },
  count: { help: 'print how many connections there are', load: () => import('./commands/count.ts') },
  tail: { help: 'print what happens, as it happens', load: () => import('./commands/tail.ts') },
};

import { existsSync } from 'node:fs';
import { join } from 'node:path';

export type HandlerEnvironmentOptions = {
  /** Of the shell that started the session. */
  readonly shell: Readonly<Record<string, string | undefined>>;
  /** Of the function, as its template says. */
  readonly own: Readonly<Record<string, string>>;
  /** A file with the certificate that handlers are to trust. */
  readonly certificateFile: string;
  /** For clients that are made without an endpoint. */
  readonly callbackUrl: string;
  readonly region: string;
  readonly isTypeScript: boolean;
  /** URLs of modules that are loaded before a handler. */
  readonly preloads: { readonly ownHosts: string; readonly typescriptImports: string };
};

/** Says where credentials come from; where one of them is set, none are made up. */
const CREDENTIALS = [
  'AWS_ACCESS_KEY_ID',
  'AWS_PROFILE',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
];
/** SDKs sign what they send, whoever looks at it. */
const MADE_UP = { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' };
/** Enums and their like, where this Node can (24 can, as an experiment); others it strips by itself. */
const TRANSFORM_TYPES = ['--experimental-transform-types', '--disable-warning=ExperimentalWarning'].filter((flag) =>
  process.allowedNodeEnvironmentFlags.has(flag.split('=')[0] ?? ''),
);
/** Of the program itself, and of what runs its tests. */
const OURS = /^(npm_|NODE_OPTIONS$|NODE_TEST_CONTEXT$|NODE_CHANNEL_FD$)/;

/**
 * What a handler finds in `process.env`: the shell's variables, over them the template's. Handlers run in processes of their own, and
 * Node reads NODE_EXTRA_CA_CERTS at the start of a process: so an unmodified SDK trusts the certificate of this session, and of
 * nobody else, and TLS is checked as ever.
 */
export function handlerEnvironment(options: HandlerEnvironmentOptions): Record<string, string> {
  const { shell, own, certificateFile, callbackUrl, region, isTypeScript, preloads } = options;
  const passed = Object.entries(shell).filter((entry): entry is [string, string] => entry[1] !== undefined && !OURS.test(entry[0]));
  return {
    ...(hasCredentials(shell) ? {} : MADE_UP),
    ...Object.fromEntries(passed),
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: callbackUrl,
    ...own,
    NODE_OPTIONS: [
      ...(isTypeScript ? [...TRANSFORM_TYPES, `--import=${preloads.typescriptImports}`] : []),
      `--import=${preloads.ownHosts}`,
      ...(own['NODE_OPTIONS'] === undefined ? [] : [own['NODE_OPTIONS']]),
    ].join(' '),
    NODE_EXTRA_CA_CERTS: certificateFile,
  };
}

function hasCredentials(shell: HandlerEnvironmentOptions['shell']): boolean {
  const home = shell['HOME'] ?? '';
  return (
    CREDENTIALS.some((name) => shell[name] !== undefined) || ['credentials', 'config'].some((name) => existsSync(join(home, '.aws', name)))
  );
}

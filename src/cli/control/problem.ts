import { EXIT_BAD_INPUT, EXIT_NO_PERMISSION, EXIT_NOT_FOUND, EXIT_TRY_AGAIN, EXIT_UNAVAILABLE, EXIT_USAGE } from '../exit-codes.ts';

/** Why a command cannot do what was asked: told on stderr in one sentence, with this exit code. */
export class CommandProblem extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.name = 'CommandProblem';
    this.exitCode = exitCode;
  }
}

export function misused(message: string): CommandProblem {
  return new CommandProblem(EXIT_USAGE, message);
}

/** What the gateway answered, in its own words where it has some (docs/cli.md#exit-codes). */
export function refusedWith(status: number, body: string, url: URL): CommandProblem {
  const message = messageIn(body);
  switch (status) {
    case 401:
      return new CommandProblem(EXIT_NO_PERMISSION, `${message ?? 'a token is wanted'}; give it in CONTROL_TOKEN or with --token`);
    case 403:
      if (message?.includes('TLS_CLIENT_CA_FILE') === true)
        return new CommandProblem(EXIT_NO_PERMISSION, `${message}; come with --cert and --key`);
      return new CommandProblem(EXIT_NO_PERMISSION, message ?? `${url.origin} does not let this machine command it`);
    case 404:
      if (message !== null) return new CommandProblem(EXIT_NOT_FOUND, message);
      return new CommandProblem(EXIT_UNAVAILABLE, `${url.origin} is no control API of wsaas: it knows no ${url.pathname}`);
    case 426:
      return new CommandProblem(
        EXIT_UNAVAILABLE,
        `${url.origin} is where clients connect; its control API has a port of its own (CONTROL_PORT): name it with --url`,
      );
    case 429:
    case 503:
    case 504:
      return new CommandProblem(EXIT_TRY_AGAIN, message ?? `the gateway answered ${status}; try again later`);
    default:
      return new CommandProblem(status < 500 ? EXIT_BAD_INPUT : EXIT_UNAVAILABLE, message ?? `${url.origin} answered ${status}`);
  }
}

/** Of errors in the gateway's form; null: whoever answered is not the gateway. */
function messageIn(body: string): string | null {
  try {
    const { code, message } = JSON.parse(body) as { code?: unknown; message?: unknown };
    return typeof code === 'string' && typeof message === 'string' ? message : null;
  } catch {
    return null;
  }
}

/** Codes of Node for a certificate that nobody vouches for whom the caller trusts. */
const UNTRUSTED: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** Nobody answered at all, or not in a way that can be trusted. */
export function unreachable(url: URL, error: unknown): CommandProblem {
  const { cause, name, message } = error as Error & { readonly cause?: { readonly code?: string; readonly message?: string } };
  const { code = '', message: reason = message } = cause ?? {};
  return new CommandProblem(
    EXIT_UNAVAILABLE,
    tlsProblem(url, code, reason) ?? notThere(url, name === 'TimeoutError' ? null : code || reason),
  );
}

function notThere({ origin }: URL, why: string | null): string {
  return `no gateway answers at ${origin} (${why ?? 'no answer in time'}); is it running? --url or CONTROL_URL names its control API`;
}

/** Null: TLS is not what is wrong. */
function tlsProblem({ origin }: URL, code: string, reason: string): string | null {
  if (UNTRUSTED.has(code))
    return `the certificate of ${origin} is of an authority that is not trusted here (${code}); name its authority with --ca or CONTROL_CA_FILE`;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return `the certificate of ${origin} is for other names: ${reason}`;
  if (code.startsWith('CERT_')) return `the certificate of ${origin} cannot be used: ${reason} (${code})`;
  if (code.endsWith('_CERTIFICATE_REQUIRED')) return `${origin} wants a certificate of its callers; come with --cert and --key`;
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG')
    return `${origin} speaks no TLS; its control API may be at http://`;
  return null;
}

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

/** Nobody answered at all. */
export function unreachable(url: URL, error: unknown): CommandProblem {
  const { cause, name, message } = error as Error & { readonly cause?: { readonly code?: string; readonly message?: string } };
  const why = name === 'TimeoutError' ? 'no answer in time' : (cause?.code ?? cause?.message ?? message);
  return new CommandProblem(
    EXIT_UNAVAILABLE,
    `no gateway answers at ${url.origin} (${why}); is it running? --url or CONTROL_URL names its control API`,
  );
}

import { misused, refusedWith, unreachable } from './problem.ts';
import { securedAsk, type Ask, type SecuredFlags } from './secured.ts';

const STANDARD_URL = 'http://localhost:8080';
/** Longer than the gateway waits for any other process. */
const ANSWER_MS = 30_000;

export type Asked = {
  readonly query?: URLSearchParams;
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly body?: Uint8Array<ArrayBuffer> | string;
  readonly type?: string;
  readonly accept?: string;
  /** Without one, the answer must come within half a minute. */
  readonly signal?: AbortSignal;
};

/** The control API of one gateway. */
export class ControlClient {
  readonly #base: URL;
  readonly #token: string | null;
  readonly #fetch: Ask;

  /** `ask`: by what a request is made. */
  constructor(url: URL, token: string | null, ask: Ask = fetch) {
    this.#base = url;
    this.#token = token;
    this.#fetch = ask;
  }

  /** Rejects with a `CommandProblem` where the answer is not 2xx, or none comes. `path` is relative to `--url`. */
  async ask(path: string, { query, method = 'GET', body, type, accept = 'application/json', signal }: Asked = {}): Promise<Response> {
    const url = new URL(path, this.#base);
    if (query !== undefined) url.search = query.toString();
    const headers = {
      Accept: accept,
      ...(type !== undefined && { 'Content-Type': type }),
      ...(this.#token !== null && { Authorization: `Bearer ${this.#token}` }),
    };
    let response: Response;
    try {
      const init = { method, headers, signal: signal ?? AbortSignal.timeout(ANSWER_MS), redirect: 'manual' as const };
      response = await this.#fetch(url, body === undefined ? init : { ...init, body });
    } catch (error) {
      throw signal?.aborted === true ? error : unreachable(url, error);
    }
    if (response.ok) return response;
    throw refusedWith(response.status, await response.text().catch(() => ''), url);
  }
}

export type ClientFlags = SecuredFlags & { readonly url?: string | undefined; readonly token?: string | undefined };

/**
 * `--url`, else CONTROL_URL; `--token`, else the first of CONTROL_TOKEN; and what TLS is spoken with (secured.ts). Rejects with a
 * `CommandProblem` for what cannot be used.
 */
export async function clientOf(flags: ClientFlags, env: Readonly<Record<string, string | undefined>>): Promise<ControlClient> {
  const [first = ''] = (env['CONTROL_TOKEN'] ?? '').split(',');
  const token = flags.token ?? first.trim();
  const url = baseOf(flags.url ?? (env['CONTROL_URL'] || STANDARD_URL));
  return new ControlClient(url, token === '' ? null : token, (await securedAsk(flags, env, url)) ?? fetch);
}

/** Throws a `CommandProblem` for a text that is no URL of a control API; `http://` may be left out. */
export function baseOf(text: string): URL {
  const whole = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  const url = URL.parse(whole.endsWith('/') ? whole : `${whole}/`);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.search !== '' || url.hash !== '')
    throw misused(`--url must be the http or https URL of a control API, such as ${STANDARD_URL}; ${JSON.stringify(text)} came`);
  return url;
}

import { withoutEndSlashes } from './ws-uris.ts';

/** What asking for a key set may cost. */
export type KeySetLimits = {
  /** For one whole answer. */
  readonly timeoutMs: number;
  /** No answer is asked for sooner than this after one that failed, nor, for the sake of an unknown key, after one that came. */
  readonly failurePauseMs: number;
  readonly unknownKeyPauseMs: number;
  /** Keys are asked for again after so long: a withdrawn key ends. */
  readonly maxAgeMs: number;
  /** Where they cannot be asked for then, the old ones serve for so long. */
  readonly maxStaleMs: number;
  readonly maxBytes: number;
};

export const KEY_SET_LIMITS: KeySetLimits = {
  timeoutMs: 5_000,
  failurePauseMs: 2_000,
  unknownKeyPauseMs: 30_000,
  maxAgeMs: 600_000,
  maxStaleMs: 3_600_000,
  maxBytes: 262_144,
};

type FetchOptions = { readonly method: 'GET'; readonly headers: Headers; readonly redirect: 'manual'; readonly signal: AbortSignal };

/**
 * Asks for a JSON Web Key Set (RFC 7517) in the place of `fetch`. Whatever strangers' tokens bring about, the issuer is asked
 * seldom, reads of its answer are bounded, and an outage of it lasts for nobody who has a known key. No redirect is followed.
 */
export class KeySetFetch {
  /** What is asked first: the keys, or the issuer's description, which says where they are. */
  readonly url: URL;
  readonly #issuer: string | null;
  readonly #limits: KeySetLimits;
  /** Times are of a clock that nobody sets. */
  #failure: { readonly at: number; readonly error: unknown } | null = null;
  #good: { readonly at: number; readonly body: Buffer } | null = null;

  /** Throws where it is no URL. */
  constructor(source: string | { readonly issuer: string }, limits: KeySetLimits) {
    this.#issuer = typeof source === 'string' ? null : source.issuer;
    this.url = new URL(typeof source === 'string' ? source : `${withoutEndSlashes(source.issuer)}/.well-known/openid-configuration`);
    this.#limits = limits;
  }

  /** Rejects where there is no answer and no old one that may serve. */
  readonly fetch = async (url: string, options: FetchOptions): Promise<Response> => {
    try {
      return await this.#asked(url, options);
    } catch (error) {
      if (this.#good === null || performance.now() - this.#good.at > this.#limits.maxStaleMs) throw error;
      return new Response(this.#good.body.toString());
    }
  };

  async #asked(url: string, options: FetchOptions): Promise<Response> {
    if (this.#failure !== null && performance.now() - this.#failure.at < this.#limits.failurePauseMs) throw this.#failure.error;
    try {
      const body = await this.#body(await fetch(this.#issuer === null ? url : await this.#located(this.#issuer, options), options));
      if (!isKeySet(body)) throw new Error('the key set is no JSON object with a list "keys"');
      this.#good = { at: performance.now(), body };
      this.#failure = null;
      return new Response(body.toString());
    } catch (error) {
      this.#failure = { at: performance.now(), error };
      throw error;
    }
  }

  async #body(response: Response): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length;
      if (bytes > this.#limits.maxBytes) throw new Error(`the answer has more than ${this.#limits.maxBytes} bytes`);
      chunks.push(chunk);
    }
    if (response.status !== 200) throw new Error(`the issuer answered ${response.status}; 200 is wanted`);
    return Buffer.concat(chunks, bytes);
  }

  /** Who describes another issuer than itself is not believed (OpenID Connect Discovery 4.3). */
  async #located(issuer: string, options: FetchOptions): Promise<string> {
    const described = readJson(await this.#body(await fetch(this.url, options)));
    if (described['issuer'] !== issuer) throw new Error(`the description at ${this.url.href} is not that of issuer ${issuer}`);
    const uri = described['jwks_uri'];
    if (typeof uri !== 'string' || !/^https?:\/\//.test(uri)) throw new Error(`the description at ${this.url.href} has no jwks_uri`);
    return uri;
  }
}

function isKeySet(body: Buffer): boolean {
  return Array.isArray(readJson(body)['keys']);
}

/** Empty where it is no JSON object. */
function readJson(body: Buffer): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(body.toString())) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}

import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';

/** What signs; loaded with the first call, so that only who calls AWS pays for it. */
export type Signer = {
  /** All headers of the request, with its signature. Rejects where there are no credentials. */
  sign(request: SignedRequest): Promise<Readonly<Record<string, string>>>;
};

export type SignedRequest = {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

export type Credentials = { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string };

export type SignerOptions = {
  readonly region: string;
  /** Default: from the environment, a profile, single sign-on, a process, a web identity, a container or the machine, in this order. */
  readonly credentials?: () => Promise<Credentials>;
};

const SERVICE = 'lambda';

/** AWS's own library, with the credentials that AWS's tools look for; they are asked for again before they expire. */
export async function createSigner({ region, credentials }: SignerOptions): Promise<Signer> {
  const { SignatureV4 } = await import('@smithy/signature-v4');
  const given = credentials ?? (await import('@aws-sdk/credential-provider-node')).defaultProvider();
  const signature = new SignatureV4({ service: SERVICE, region, credentials: given, sha256: NodeSha256 });
  return {
    async sign({ url, headers, body }) {
      const signed = await signature.sign({
        method: 'POST',
        protocol: url.protocol,
        hostname: url.hostname,
        path: url.pathname,
        query: Object.fromEntries(url.searchParams),
        headers: { ...headers, host: url.host },
        body,
      });
      return signed.headers;
    },
  };
}

/** Node's SHA-256 as the library wants it: with a key it is an HMAC. */
class NodeSha256 {
  readonly #secret: Secret | undefined;
  #hash: Hash | Hmac;

  constructor(secret?: Secret) {
    this.#secret = secret;
    this.#hash = begun(secret);
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(data));
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {
    this.#hash = begun(this.#secret);
  }
}

type Secret = string | ArrayBuffer | ArrayBufferView;

function begun(secret: Secret | undefined): Hash | Hmac {
  return secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret));
}

function bytesOf(data: Secret): string | Uint8Array {
  if (typeof data === 'string') return data;
  return ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);
}

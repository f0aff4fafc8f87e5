import { createHmac, timingSafeEqual } from 'node:crypto';
import { canonicalRequest, sha256Hex, type SignedRequest } from './canonical-request.ts';

/** Whose signatures are known. */
export type SigningKey = {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of temporary credentials: must come with every request. */
  readonly sessionToken?: string | undefined;
};

/** Why a signature does not count, by the name that AWS gives to it. */
export type SignatureProblem = {
  readonly error:
    | 'MissingAuthenticationTokenException'
    | 'IncompleteSignatureException'
    | 'InvalidSignatureException'
    | 'UnrecognizedClientException';
  readonly message: string;
};

export type Verdict<Key extends SigningKey> = { readonly key: Key } | SignatureProblem;

const SERVICE = 'execute-api';
/** The signer's clock may differ so much from ours. */
const CLOCK_SKEW_MS = 300_000;
const ALGORITHM = 'AWS4-HMAC-SHA256';
const AUTHORIZATION = /^AWS4-HMAC-SHA256\s+Credential=([^\s,]{1,300}),\s*SignedHeaders=([^\s,]{1,2000}),\s*Signature=([0-9a-f]{64})$/;
const DATE = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;
/** Of one signer there are as many as he uses regions on a day. */
const MOST_DERIVED_KEYS = 256;

/** Verifies signatures of AWS Signature Version 4, as the AWS SDKs make them. Costs what hashing the request costs. */
export class SignatureVerifier<Key extends SigningKey> {
  readonly #keys: ReadonlyMap<string, Key>;
  readonly #derived = new Map<string, Buffer>();

  constructor(keys: readonly Key[]) {
    this.#keys = new Map(keys.map((key) => [key.accessKeyId, key]));
  }

  /** Signing keys that are kept, as deriving one costs four hashes. */
  get derivedKeys(): number {
    return this.#derived.size;
  }

  /** `hosts`: further names by which the signer may have called us, as a proxy may have put another in its place. */
  verify(request: SignedRequest, nowMs: number, hosts: readonly string[] = []): Verdict<Key> {
    const { authorization } = request.headers;
    if (typeof authorization !== 'string') return problem('MissingAuthenticationTokenException', 'Missing Authentication Token');
    const [, credential = '', names = '', signature = ''] = AUTHORIZATION.exec(authorization) ?? [];
    const [accessKeyId = '', day = '', region = '', service, end, ...rest] = credential.split('/');
    if (end !== 'aws4_request' || rest.length > 0)
      return problem('IncompleteSignatureException', `Authorization must be ${ALGORITHM} with Credential, SignedHeaders and Signature`);
    if (service !== SERVICE) return invalid(`Credential should be scoped to correct service: '${SERVICE}'`);
    const date = String(request.headers['x-amz-date'] ?? '');
    const late = clockProblem(date, day, nowMs);
    if (late !== null) return late;
    const signedHeaders = names.split(';');
    if (!signedHeaders.includes('host')) return invalid("'Host' must be a 'SignedHeader' in the AWS Authorization");
    const key = this.#keys.get(accessKeyId);
    const token = request.headers['x-amz-security-token'];
    if (key === undefined || (key.sessionToken !== undefined && !isSame(key.sessionToken, String(token ?? ''))))
      return problem('UnrecognizedClientException', 'The security token included in the request is invalid.');
    const payloadHash = sha256Hex(request.body);
    const claimed = request.headers['x-amz-content-sha256'];
    if (claimed !== undefined && claimed !== payloadHash) return invalid('The provided x-amz-content-sha256 does not match the body');
    const scope = `${day}/${region}/${SERVICE}/aws4_request`;
    const name = `${accessKeyId}/${day}/${region}`;
    const signingKey = this.#derived.get(name) ?? derivedKey(key, day, region);
    const isSigned = [null, ...hosts].some((host) => {
      const seen = host === null ? request : { ...request, headers: { ...request.headers, host } };
      const text = [ALGORITHM, date, scope, sha256Hex(canonicalRequest(seen, signedHeaders, payloadHash))].join('\n');
      return timingSafeEqual(hmac(signingKey, text), Buffer.from(signature, 'hex'));
    });
    if (!isSigned)
      return invalid(
        'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.',
      );
    this.#remember(name, signingKey);
    return { key };
  }

  /** Only of signatures that were right: a stranger must not fill the table. */
  #remember(name: string, signingKey: Buffer): void {
    if (this.#derived.size >= MOST_DERIVED_KEYS) this.#derived.clear();
    this.#derived.set(name, signingKey);
  }
}

function derivedKey({ secretAccessKey }: SigningKey, day: string, region: string): Buffer {
  return [day, region, SERVICE, 'aws4_request'].reduce<Buffer>((key, part) => hmac(key, part), Buffer.from(`AWS4${secretAccessKey}`));
}

function clockProblem(date: string, day: string, nowMs: number): SignatureProblem | null {
  const [, year, month, dayOfMonth, hour, minute, second] = DATE.exec(date) ?? [];
  if (year === undefined)
    return problem('IncompleteSignatureException', "Authorization header requires existence of an 'X-Amz-Date' header");
  if (day !== date.slice(0, 8)) return invalid('Date in Credential scope does not match YYYYMMDD from X-Amz-Date');
  const signedAt = Date.UTC(Number(year), Number(month) - 1, Number(dayOfMonth), Number(hour), Number(minute), Number(second));
  const now = new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  if (signedAt < nowMs - CLOCK_SKEW_MS) return invalid(`Signature expired: ${date} is more than 5 minutes before ${now}`);
  if (signedAt > nowMs + CLOCK_SKEW_MS) return invalid(`Signature not yet current: ${date} is more than 5 minutes after ${now}`);
  return null;
}

function isSame(a: string, b: string): boolean {
  return timingSafeEqual(Buffer.from(sha256Hex(a)), Buffer.from(sha256Hex(b)));
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function invalid(message: string): SignatureProblem {
  return problem('InvalidSignatureException', message);
}

function problem(error: SignatureProblem['error'], message: string): SignatureProblem {
  return { error, message };
}

import { createHash, createHmac } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Keys that a fake of AWS knows. */
export const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' } as const;

const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, data: string): Buffer => createHmac('sha256', key).update(data).digest();
const escape = (text: string): string =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);

/** What is wrong with the request's Signature Version 4, or null; written from AWS's description alone. */
export function signatureProblem(
  request: IncomingMessage,
  body: Buffer,
  keys: { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string } = KEYS,
): string | null {
  const { authorization = '' } = request.headers;
  const parts =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
      authorization,
    );
  if (parts === null) return `Authorization cannot be read: ${authorization}`;
  const [, keyId = '', day = '', region = '', service = '', signedHeaders = '', signature = ''] = parts;
  if (keyId !== keys.accessKeyId) return `unknown key ${keyId}`;
  if (service !== 'lambda') return `service ${service}`;
  const date = String(request.headers['x-amz-date']);
  const time = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  if (!(Math.abs(Date.now() - time) < 300_000) || !date.startsWith(day)) return `date ${date}`;
  if (request.headers['x-amz-security-token'] !== keys.sessionToken) return 'session token';
  for (const needed of ['host', 'x-amz-date', ...(keys.sessionToken === undefined ? [] : ['x-amz-security-token'])])
    if (!signedHeaders.split(';').includes(needed)) return `${needed} is not signed`;
  const hash = sha256(body);
  if ((request.headers['x-amz-content-sha256'] ?? hash) !== hash) return 'x-amz-content-sha256';
  const url = new URL(request.url ?? '', 'http://host');
  const canonical = [
    request.method,
    url.pathname.split('/').map(escape).join('/'),
    [...url.searchParams]
      .map(([name, value]) => `${escape(name)}=${escape(value)}`)
      .toSorted()
      .join('&'),
    ...signedHeaders.split(';').map((name) => `${name}:${String(request.headers[name]).trim().replaceAll(/ +/g, ' ')}`),
    '',
    signedHeaders,
    hash,
  ].join('\n');
  const scope = `${day}/${region}/${service}/aws4_request`;
  const key = [day, region, service, 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${keys.secretAccessKey}`);
  const expected = hmac(key, `AWS4-HMAC-SHA256\n${date}\n${scope}\n${sha256(canonical)}`).toString('hex');
  return expected === signature ? null : `signature; canonical request:\n${canonical}`;
}

import { tagProblem } from '../core/tag-index.ts';
import type { ClaimTag } from '../wire/client-tokens.ts';

/** A value, or what was wanted. */
export type Reading = { readonly value: unknown } | string;

/** Standard Webhooks: a symmetric secret has 24 to 64 bytes. */
const SECRET = /^(?:whsec_)?([A-Za-z0-9+/]+={0,2})$/;
const LEAST_BYTES = 24;
const MOST_BYTES = 64;

/** The bytes of each secret. */
export function readWebhookSecrets(entries: readonly string[]): Reading {
  if (entries.length > 2) return `must be one secret, or two while one replaces the other; these are ${entries.length}`;
  const secrets = entries.map((entry) => Buffer.from(SECRET.exec(entry)?.[1] ?? '', 'base64'));
  if (secrets.some(({ length }) => length < LEAST_BYTES || length > MOST_BYTES))
    return `must be whsec_ and base64 of ${LEAST_BYTES} to ${MOST_BYTES} bytes, as made by: echo "whsec_$(head -c 32 /dev/urandom | base64)"`;
  return { value: secrets };
}

/** No scheme is added: by http anybody on the way could slip in a key. */
export function readKeySetUrl(value: string): Reading {
  if (value === '') return { value: undefined };
  const url = URL.parse(value);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:') || url.hostname === '')
    return 'must be a URL with https://, such as https://login.example.com/.well-known/jwks.json';
  if (url.username !== '' || url.password !== '' || url.hash !== '') return 'must hold no user, no password and no fragment';
  return { value: url.href };
}

export function readClaimTags(entries: readonly string[]): Reading {
  const tags: ClaimTag[] = [];
  for (const entry of entries) {
    const end = entry.lastIndexOf('=');
    const tag = (end < 0 ? entry : entry.slice(0, end)).trim();
    const claim = entry.slice(end + 1).trim();
    const problem = claim === '' ? 'it names no claim' : tagProblem(new Map([[tag, '']]));
    if (problem !== null) return `must be claims, or tag=claim, joined by commas; ${JSON.stringify(entry)} is none: ${problem}`;
    if (tags.some((other) => other.tag === tag)) return `must give each tag once; ${JSON.stringify(tag)} comes twice`;
    tags.push({ claim, tag });
  }
  return { value: tags };
}

import { clientIdProblem } from '../../wire/client-ids.ts';
import type { OcppVersion } from './versions.ts';

/** OCPP 2.x, identifierString, without the colon that Basic authentication could not carry. */
const IDENTIFIER = /^[A-Za-z0-9*\-_=+|@.]+$/;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const COLON = 0x3a;

/** What is wrong with a client's identity, the decoded last segment of its path (OCPP-J, "The connection URL"), or null. */
export function identityProblem(identity: string, { maxIdentityLength, subprotocol }: OcppVersion): string | null {
  if (maxIdentityLength !== null && (identity.length > maxIdentityLength || !IDENTIFIER.test(identity))) {
    return `with ${subprotocol} an identity has 1 to ${maxIdentityLength} letters, digits or * - _ = + | @ .`;
  }
  return identity.isWellFormed() ? clientIdProblem(identity) : 'an identity must be UTF-8';
}

/**
 * Does an `Authorization` header name somebody else? Only Basic names anybody. The identity is known, so the password
 * begins behind it: an identity of 1.6 may hold colons, and a password any bytes.
 */
export function namesAnother(authorization: string | null, identity: string): boolean {
  const scheme = (authorization ?? '').slice(0, 6).toLowerCase();
  if (scheme.trim() !== 'basic') return false;
  const credentials = (authorization ?? '').slice(6).trim();
  if (scheme !== 'basic ' || !BASE64.test(credentials)) return true;
  const bytes = Buffer.from(credentials, 'base64');
  const user = Buffer.from(identity);
  return bytes[user.length] !== COLON || bytes.compare(user, 0, user.length, 0, user.length) !== 0;
}

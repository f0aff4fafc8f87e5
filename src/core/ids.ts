import { randomFillSync } from 'node:crypto';
import { crc32 } from 'node:zlib';

const RANDOM_BYTES = 18;
const pool = Buffer.allocUnsafe(RANDOM_BYTES * 256);
let used = pool.length;

/** 144 random bits, base64url, 24 characters: safe in any segment of a path, and never seen twice. */
export function randomToken(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += RANDOM_BYTES;
  return pool.toString('base64url', used - RANDOM_BYTES, used);
}

/**
 * A process's own part of the ids that it gives out: 36 random bits, 6 characters. It tells any other process of the
 * gateway who owns a connection, so that a command asks one process only.
 */
export function ownerToken(): string {
  return randomToken().slice(0, 6);
}

/** Characters of an id before which stands its owner. */
export const OWNER_LENGTH = 6;

const RANDOM_LENGTH = 20;
const GIVEN_LENGTH = OWNER_LENGTH + RANDOM_LENGTH + 4;

/** A connection's id: the owner's token, 120 random bits, then their check (docs/contract.md#connection-ids: at least 96 bits, at most 36 characters). */
export function connectionId(owner: string): string {
  const body = owner + randomToken().slice(0, RANDOM_LENGTH);
  return body + checkOf(body);
}

/** Is this an id that a gateway gives, of either form? No client may choose such a one. Asked of strangers' ids only. */
export function isGivenId(id: string): boolean {
  return isLongId(id) || isShortId(id);
}

/**
 * Is this a long id that a gateway gives? Nobody can guess one, nor hit it by chance: of the names of 30 characters one in
 * sixteen million has this form.
 */
export function isLongId(id: string): boolean {
  return id.length === GIVEN_LENGTH && /^[\w-]*$/.test(id) && id.endsWith(checkOf(id.slice(0, -4)));
}

/** Of an id that a connection of this process was given: has it the long form? On the path of every push, where `isLongId` would cost. */
export function isLongOfGiven(id: string): boolean {
  return id.length === GIVEN_LENGTH;
}

/** 11 bytes in base64url with their padding: 16 characters, the form that AWS gives to connections (`core/short-ids`). */
const SHORT_ID = /^[\w-]{14}[AEIMQUYcgkosw048]=$/;

/** Has this text the form of an id that a process gives on routes with short ids? */
export function isShortId(id: string): boolean {
  return id.length === 16 && SHORT_ID.test(id);
}

/** The characters of base64url by what they stand for (RFC 4648 §5). */
export const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** 24 bits of the CRC-32 as 4 characters of base64url. */
function checkOf(body: string): string {
  const sum = crc32(body);
  return (
    BASE64URL.charAt((sum >>> 18) & 63) +
    BASE64URL.charAt((sum >>> 12) & 63) +
    BASE64URL.charAt((sum >>> 6) & 63) +
    BASE64URL.charAt(sum & 63)
  );
}

/** Of a process that was given no name. */
export function randomName(): string {
  return randomFillSync(Buffer.allocUnsafe(4)).toString('hex');
}

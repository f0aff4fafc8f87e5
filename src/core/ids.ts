import { randomFillSync } from 'node:crypto';

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

/** A connection's id: the owner's token, then 144 random bits (docs/contract.md#connection-ids: at least 96, at most 36 characters). */
export function connectionId(owner: string): string {
  return owner + randomToken();
}

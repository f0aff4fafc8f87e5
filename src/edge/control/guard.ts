import { createHash, timingSafeEqual } from 'node:crypto';
import type { BlockList } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { GatewayError } from '../../wire/errors.ts';

export type GuardOptions = {
  readonly allow: BlockList;
  /** Empty: no token is asked for. */
  readonly tokens: readonly string[];
  /** Proxies that may pass a control request on. */
  readonly trustedProxies: BlockList;
};

/** Remembered verdicts on addresses; a table that strangers fill must have an end. */
const MAX_REMEMBERED = 10_000;

/** What keeps a caller from the control API: address, proxy, token (docs/contract.md#who-may-call). Null: nothing. */
export type Guard = (request: FastifyRequest) => GatewayError | null;

export function createGuard(options: GuardOptions): Guard {
  const isAllowed = addressCheck(options.allow);
  const isTrusted = addressCheck(options.trustedProxies);
  const digests = options.tokens.map(digest);

  return (request) => {
    const { headers, socket } = request.raw;
    const isForwarded = headers['x-forwarded-for'] !== undefined || headers['forwarded'] !== undefined;
    if (isForwarded && !isTrusted(socket.remoteAddress ?? '')) {
      return new GatewayError('FORBIDDEN', 'this control request came through a proxy that is not in TRUST_PROXY');
    }
    if (!isAllowed(request.ip)) return new GatewayError('FORBIDDEN', `the address ${request.ip} is not in CONTROL_ALLOW`);
    if (digests.length > 0 && !hasToken(headers.authorization)) {
      return new GatewayError('UNAUTHORIZED', 'the control API wants Authorization: Bearer with a token of CONTROL_TOKEN');
    }
    return null;
  };

  function hasToken(authorization: string | undefined): boolean {
    const token = /^Bearer +(.+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) return false;
    const given = digest(token);
    let isKnown = false;
    for (const known of digests) isKnown = timingSafeEqual(known, given) || isKnown; // all of them, so that time tells nothing
    return isKnown;
  }
}

export function addressCheck(list: BlockList): (address: string) => boolean {
  const remembered = new Map<string, boolean>();
  return (address) => {
    const known = remembered.get(address);
    if (known !== undefined) return known;
    if (remembered.size >= MAX_REMEMBERED) remembered.clear();
    const plain = address.startsWith('::ffff:') ? address.slice(7) : address; // IPv4 on a socket of both families
    const isIn = list.check(plain, plain.includes(':') ? 'ipv6' : 'ipv4');
    remembered.set(address, isIn);
    return isIn;
  };
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

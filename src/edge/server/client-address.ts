import type { IncomingMessage } from 'node:http';
import { isIP, type BlockList } from 'node:net';
import { remembered } from './remembered.ts';

/** Whom a request comes from. */
export type Caller = {
  /** IPv4 or IPv6, never with a port: the client's, or that of the nearest hop that told one. */
  readonly address: string;
  /** Did a proxy of TRUST_PROXY pass it on, without saying of whom it has it? */
  readonly isHidden: boolean;
};

/** Is an address in the list? IPv4 on a socket of both families counts as IPv4. */
export function addressCheck(list: BlockList): (address: string) => boolean {
  return remembered((address) => {
    const plain = readAddress(address);
    return plain !== null && list.check(plain, plain.includes(':') ? 'ipv6' : 'ipv4');
  });
}

/**
 * Reads who sent a request from the headers of proxies that are trusted, from the nearest hop outwards: the first that is
 * no trusted proxy is the caller. A proxy writes `X-Forwarded-For` or `Forwarded` (RFC 7239); what both say is told, since
 * one of the two may be the client's own invention that the proxy has passed through.
 */
export function callersOf(isTrusted: (address: string) => boolean): (request: IncomingMessage) => readonly [Caller, ...Caller[]] {
  return (request) => {
    const { headers, socket } = request;
    const nearest = addressOfPeer(socket.remoteAddress ?? '') ?? '';
    const list = headers['x-forwarded-for'];
    const { forwarded } = headers;
    if (!isTrusted(nearest) || (list === undefined && forwarded === undefined)) return [{ address: nearest, isHidden: false }];
    const listed = list === undefined ? null : walk(nearest, String(list).split(','), isTrusted);
    const told = forwarded === undefined ? null : walk(nearest, forwardedFor(forwarded), isTrusted);
    if (listed === null) return [told ?? { address: nearest, isHidden: true }];
    return told === null ? [listed] : [listed, told];
  };
}

const addressOfPeer = remembered(readAddress);

/** Did a request come over TLS: to us, or to a trusted proxy that says so (`X-Forwarded-Proto`)? */
export function encryptionCheck(isTrusted: (address: string) => boolean): (request: IncomingMessage) => boolean {
  return ({ headers, socket }) => {
    if ('encrypted' in socket) return true;
    const told = headers['x-forwarded-proto'];
    return told !== undefined && isTrusted(socket.remoteAddress ?? '') && /^(https|wss)$/i.test(String(told).split(',')[0]?.trim() ?? '');
  };
}

/** Hops are listed from the client to the nearest. */
function walk(nearest: string, hops: readonly string[], isTrusted: (address: string) => boolean): Caller {
  let address = nearest;
  for (let index = hops.length - 1; index >= 0; index -= 1) {
    const hop = readAddress(hops[index] ?? '');
    if (hop === null) return { address, isHidden: true };
    address = hop;
    if (!isTrusted(hop)) return { address, isHidden: false };
  }
  return { address, isHidden: false };
}

/** The `for` of each element; one without is an empty text. */
function forwardedFor(value: string): string[] {
  return value.split(',').map((element) => {
    const pair = element.split(';').find((part) => part.trimStart().slice(0, 4).toLowerCase() === 'for=');
    return pair === undefined ? '' : pair.trim().slice(4);
  });
}

/** An address as proxies write it: with quotes, brackets, a port or a zone. Null where there is none. */
export function readAddress(text: string): string | null {
  let plain = text.trim();
  if (plain.startsWith('"') && plain.endsWith('"')) plain = plain.slice(1, -1);
  if (plain.startsWith('[')) plain = plain.slice(1, Math.max(1, plain.indexOf(']')));
  else if (plain.indexOf(':') === plain.lastIndexOf(':')) plain = plain.split(':', 1)[0] ?? ''; // IPv4 with a port
  const zone = plain.indexOf('%');
  if (zone >= 0) plain = plain.slice(0, zone);
  plain = plain.toLowerCase();
  if (plain.startsWith('::ffff:') && isIP(plain.slice(7)) === 4) plain = plain.slice(7);
  return isIP(plain) === 0 ? null : plain;
}

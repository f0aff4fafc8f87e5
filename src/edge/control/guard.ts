import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { originCheck } from '../../wire/client-route.ts';
import { GatewayError } from '../../wire/errors.ts';
import { addressCheck, callersOf } from '../server/client-address.ts';
import { remembered } from '../server/remembered.ts';
import { hostsOf } from '../server/request-form.ts';

/** Loopback, RFC 1918 and fc00::/7: who may call where nothing else is said. */
export const PRIVATE_NETWORKS = new BlockList();
for (const [network, bits] of [
  ['127.0.0.0', 8],
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const)
  PRIVATE_NETWORKS.addSubnet(network, bits);
PRIVATE_NETWORKS.addAddress('::1', 'ipv6');
PRIVATE_NETWORKS.addSubnet('fc00::', 7, 'ipv6');

export type GuardOptions = {
  readonly allow: BlockList;
  /** Empty: no token is asked for. */
  readonly tokens: readonly string[];
  /** Proxies that may pass a control request on. */
  readonly trustedProxies: BlockList;
  /** CONTROL_ORIGINS: pages that may call the control API. */
  readonly origins: readonly string[];
  /** Further names by which the control API is called. */
  readonly hosts: readonly string[];
};

/** What keeps a caller from the control API: proxy, address, browser, host, token (docs/contract.md#who-may-call). Null: nothing. */
export type Guard = ((request: IncomingMessage) => GatewayError | null) & {
  /** The part of it that looks at where a request comes from: proxy, address, browser. */
  readonly place: (request: IncomingMessage) => GatewayError | null;
  /** The rest: host or token. */
  readonly secret: (request: IncomingMessage) => GatewayError | null;
};

export function createGuard(options: GuardOptions): Guard {
  const isAllowed = addressCheck(options.allow);
  const isTrusted = addressCheck(options.trustedProxies);
  const callers = callersOf(isTrusted);
  const digests = options.tokens.map(digest);
  const isOwnPage = options.origins.length === 0 ? () => false : originCheck(options.origins);
  const hosts = new Set(options.hosts.map(nameOf));
  const isOurs = remembered((host) => isOwnName(nameOf(host)) || hosts.has(nameOf(host)));

  const place = (request: IncomingMessage) => callerProblem(request) ?? browserProblem(request);
  const secret = digests.length === 0 ? hostProblem : tokenProblem;
  return Object.assign((request: IncomingMessage) => place(request) ?? secret(request), { place, secret });

  function callerProblem(request: IncomingMessage): GatewayError | null {
    const { headers, socket } = request;
    const isForwarded = headers['x-forwarded-for'] !== undefined || headers['forwarded'] !== undefined;
    if (!isForwarded && isAllowed(socket.remoteAddress ?? '')) return null; // every push of a backend: nothing to be read
    if (isForwarded && !isTrusted(socket.remoteAddress ?? ''))
      return forbidden('this control request came through a proxy that is not in TRUST_PROXY');
    for (const { address, isHidden } of callers(request)) {
      if (isHidden)
        return forbidden('this control request came through a proxy that does not say of whom it has it (X-Forwarded-For, Forwarded)');
      if (!isAllowed(address)) return forbidden(`the address ${address} is not in CONTROL_ALLOW`);
    }
    return null;
  }

  /** A page of another site must not command, by a script or by a form. What has no `Origin` and no `Sec-Fetch-Site` is no browser. */
  function browserProblem({ headers }: IncomingMessage): GatewayError | null {
    const { origin } = headers;
    if (origin !== undefined) return isOwnPage(origin) ? null : forbidden('this Origin is not in CONTROL_ORIGINS');
    const site = headers['sec-fetch-site'];
    if (site === undefined || site === 'same-origin' || site === 'none') return null;
    return forbidden('a page of another site asks for this (Sec-Fetch-Site); only origins in CONTROL_ORIGINS may');
  }

  /** A stranger's name may resolve to this address (DNS rebinding): the browser then takes the stranger's page for ours. */
  function hostProblem(request: IncomingMessage): GatewayError | null {
    const strange = hostsOf(request).find((host) => !isOurs(host));
    if (strange === undefined) return null;
    return forbidden(
      `the Host ${JSON.stringify(strange.slice(0, 80))} could be a stranger's; WS_HOSTNAME and CONTROL_ORIGINS name more hosts, and with CONTROL_TOKEN any may be used`,
    );
  }

  function tokenProblem({ headers: { authorization = '' } }: IncomingMessage): GatewayError | null {
    const given = authorization.slice(0, 7).toLowerCase() === 'bearer ' ? digest(authorization.slice(7).trim()) : null;
    let isKnown = false;
    for (const known of digests) isKnown = (given !== null && timingSafeEqual(known, given)) || isKnown; // all of them, so that time tells nothing
    return isKnown ? null : new GatewayError('UNAUTHORIZED', 'the control API wants Authorization: Bearer with a token of CONTROL_TOKEN');
  }
}

const OWN_DOMAINS = ['.localhost', '.local', '.internal', '.svc', '.cluster.local'];

/** A name that nobody can register: an address, a single label, or one below a domain that is not in the public DNS. */
function isOwnName(name: string): boolean {
  return isIP(name) !== 0 || !name.includes('.') || OWN_DOMAINS.some((domain) => name.endsWith(domain));
}

/** The name in a Host header or a URL's host: without port, brackets and the dot of the root. */
function nameOf(host: string): string {
  const end = host.startsWith('[') ? host.indexOf(']') : host.lastIndexOf(':');
  const name = (end < 0 ? host : host.slice(host.startsWith('[') ? 1 : 0, end)).toLowerCase();
  return name.endsWith('.') ? name.slice(0, -1) : name;
}

function forbidden(message: string): GatewayError {
  return new GatewayError('FORBIDDEN', message);
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

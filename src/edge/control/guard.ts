import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { originCheck } from '../../wire/client-route.ts';
import { GatewayError } from '../../wire/errors.ts';
import { addressCheck, callersOf } from '../server/client-address.ts';
import { certificateProblem } from './client-certificate.ts';
import type { ControlTokens, Scope } from './tokens.ts';
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
  readonly tokens: ControlTokens;
  /** Must callers have a client certificate (TLS_CLIENT_CA_FILE)? */
  readonly wantsCertificate: boolean;
  /** Proxies that may pass a control request on. */
  readonly trustedProxies: BlockList;
  /** CONTROL_ORIGINS: pages that may call the control API. */
  readonly origins: readonly string[];
  /** Further names by which the control API is called. */
  readonly hosts: readonly string[];
};

/** Null: nothing. `scopes`: a token with one of them is needed, where there are tokens; one of scope `admin` is good for everything. */
type Check = (request: IncomingMessage, scopes: readonly Scope[]) => GatewayError | null;

/** What keeps a caller from the control API: proxy, address, certificate, browser, host, token (docs/contract.md#who-may-call). */
export type Guard = Check & {
  /** The part of it that looks at where a request comes from: proxy, address, certificate, browser. */
  readonly place: (request: IncomingMessage) => GatewayError | null;
  /** The rest: host or token. */
  readonly secret: Check;
};

export function createGuard(options: GuardOptions): Guard {
  const isAllowed = addressCheck(options.allow);
  const isTrusted = addressCheck(options.trustedProxies);
  const callers = callersOf(isTrusted);
  const { tokens, wantsCertificate } = options;
  const isOwnPage = options.origins.length === 0 ? () => false : originCheck(options.origins);
  const hosts = new Set(options.hosts.map(nameOf));
  const isOurs = remembered((host) => isOwnName(nameOf(host)) || hosts.has(nameOf(host)));

  const place = (request: IncomingMessage) =>
    callerProblem(request) ?? (wantsCertificate ? certificateProblem(request.socket) : null) ?? browserProblem(request);
  const secret: Check = (request, scopes) => (tokens.areAsked ? tokenProblem(request, scopes) : hostProblem(request));
  const whole: Check = (request, scopes) => place(request) ?? secret(request, scopes);
  return Object.assign(whole, { place, secret });

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
  function browserProblem(request: IncomingMessage): GatewayError | null {
    const { headers } = request;
    const { origin } = headers;
    if (origin !== undefined)
      return isOwnPage(origin) || isOfThisServer(origin, request) ? null : forbidden('this Origin is not in CONTROL_ORIGINS');
    const site = headers['sec-fetch-site'];
    if (site === undefined || site === 'same-origin' || site === 'none') return null;
    return forbidden('a page of another site asks for this (Sec-Fetch-Site); only origins in CONTROL_ORIGINS may');
  }

  /** The console's own page: scheme and host are those that it was served by. Whether that host is a stranger's is asked as of any other request. */
  function isOfThisServer(origin: string, request: IncomingMessage): boolean {
    const { socket } = request;
    const isSecure = 'encrypted' in socket;
    const mayBeSecure = isSecure || isTrusted(socket.remoteAddress ?? ''); // a proxy may have taken TLS off
    return hostsOf(request).every((host) => (!isSecure && origin === `http://${host}`) || (mayBeSecure && origin === `https://${host}`));
  }

  /** A stranger's name may resolve to this address (DNS rebinding): the browser then takes the stranger's page for ours. */
  function hostProblem(request: IncomingMessage): GatewayError | null {
    const strange = hostsOf(request).find((host) => !isOurs(host));
    if (strange === undefined) return null;
    return forbidden(
      `the Host ${JSON.stringify(strange.slice(0, 80))} could be a stranger's; WS_HOSTNAME and CONTROL_ORIGINS name more hosts, and with CONTROL_TOKEN any may be used`,
    );
  }

  function tokenProblem({ headers: { authorization = '' } }: IncomingMessage, scopes: readonly Scope[]): GatewayError | null {
    const given = tokens.scopesOf(authorization);
    if (given.has('admin') || scopes.some((scope) => given.has(scope))) return null;
    if (given.size === 0)
      return new GatewayError('UNAUTHORIZED', 'the control API wants Authorization: Bearer with a token of CONTROL_TOKEN');
    const challenge = `Bearer error="insufficient_scope", scope="${scopes[0] ?? 'admin'}"`; // RFC 6750 §3.1
    return new GatewayError('FORBIDDEN', `this token is good for ${[...given].join(' and ')}, and not for this`, { challenge });
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

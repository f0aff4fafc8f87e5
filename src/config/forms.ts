import { accessSync, constants, lstatSync, statfsSync, statSync } from 'node:fs';
import { BlockList, isIP } from 'node:net';
import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';
import { readOriginPattern } from '../wire/origins.ts';
import type { Reading } from './credential-forms.ts';
import { withoutEndSlashes } from '../wire/ws-uris.ts';
import { isModule, moduleUrl } from './module-url.ts';
import { readClaimTags, readKeySetUrl, readWebhookSecrets } from './credential-forms.ts';

/** How a string option is read beyond its schema. */
export type OptionForm =
  | 'url'
  | 'prefix'
  | 'list'
  | 'cidrs'
  | 'headers'
  | 'header-names'
  | 'origins'
  | 'directory'
  | 'workers'
  | 'engine'
  | 'webhook-secrets'
  | 'key-set-url'
  | 'claim-tags';

/** A list of networks that can be asked for an address, and the text that it was read from. */
export type CidrList = BlockList & { readonly entries: readonly string[] };

export const readers: Record<OptionForm, (value: string) => Reading> = {
  url: readUrl,
  prefix: readPrefix,
  list: readList,
  cidrs: readCidrs,
  headers: readHeaders,
  'header-names': readHeaderNames,
  origins: readOrigins,
  directory: readDirectory,
  workers: readWorkers,
  engine: readEngine,
  'webhook-secrets': (value) => readWebhookSecrets(splitList(value)),
  'key-set-url': readKeySetUrl,
  'claim-tags': (value) => readClaimTags(splitList(value)),
};

/** Schemes of the engines that join machines; their registry has the same, and a test says so. */
export const ENGINE_SCHEMES: readonly string[] = ['redis://', 'rediss://', 'redis+sentinel://', 'nats://', 'tls://'];

function splitList(value: string): string[] {
  return value
    .split(/[,\r\n]/) // a file has one a line
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

export const EMPTY_LIST = 'must hold at least one entry, entries are joined by commas';

/** Given, but with nothing in it: a slip that must not open what was to be guarded. */
function isHollow(value: string): boolean {
  return value !== '' && splitList(value).length === 0;
}

function readList(value: string): Reading {
  return isHollow(value) ? EMPTY_LIST : { value: splitList(value) };
}

const CONTROL = /\p{Cc}/u;
const NEEDS_HOST = 'must be a URL with a host, such as http://localhost:3000/websocket';

/** With `http://` before a text without a scheme; or what was wanted. `new URL` alone takes much that has no host or a line end for a URL. */
function parseUrl(value: string): URL | string {
  if (CONTROL.test(value)) return 'must be one line without control characters';
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`;
  const isHostless = /^(https?|wss?):(?!\/\/[^/\\?#])/i.test(value) || /^[a-z][a-z0-9+.-]*:\/\/([/\\?#]|$)/i.test(text);
  if (isHostless) return NEEDS_HOST;
  return URL.canParse(text) ? new URL(text) : NEEDS_HOST;
}

function readUrl(value: string): Reading {
  if (value === '') return { value: undefined };
  if (isModule(value)) {
    const module = CONTROL.test(value) ? null : moduleUrl(value);
    return module === null ? 'must name a file, as in module:./handlers.js' : { value: module };
  }
  const url = parseUrl(value);
  if (typeof url === 'string') return url;
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return 'must be a URL with http:// or https://, or module: and a file';
  if (url.username !== '' || url.password !== '')
    return "must hold no user and password (Authorization is the client's; an API key goes into BACKEND_HEADERS)";
  if (url.hash !== '') return 'must have no fragment (#…)';
  return { value: url };
}

/** It is sent in a header (WS-URI), which carries Latin-1 only. */
function readPrefix(value: string): Reading {
  if (value === '') return { value: undefined };
  const url = parseUrl(value);
  if (/[^\u0021-\u00ff]|[\u007f-\u00a0]/.test(value))
    return 'must hold no white space, no control characters and none beyond Latin-1 (write a host in punycode)';
  if (typeof url === 'string') return 'must be a host, with a port, a scheme and a path if need be';
  if (url.search !== '' || url.hash !== '') return 'must have no query and no fragment';
  return { value: withoutEndSlashes(value) };
}

function readCidrs(value: string): Reading {
  if (isHollow(value)) return EMPTY_LIST;
  const entries = splitList(value);
  const list = new BlockList();
  for (const entry of entries) {
    const [address = '', bits, ...rest] = entry.split('/');
    const family = isIP(address);
    const length = bits === undefined ? (family === 4 ? 32 : 128) : Number(bits);
    if (family === 0 || rest.length > 0 || !/^\d+$/.test(bits ?? '0') || length > (family === 4 ? 32 : 128))
      return `must be CIDRs such as 10.0.0.0/8, joined by commas; ${JSON.stringify(entry)} is not a CIDR`;
    list.addSubnet(address, length, family === 4 ? 'ipv4' : 'ipv6');
  }
  return { value: Object.assign(list, { entries }) };
}

const OWN_HEADERS =
  /^(authorization|content-type|content-length|transfer-encoding|connection|upgrade|keep-alive|te|trailer|expect|ws-.*|webhook-.*|traceparent)$/;
const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;

function readHeaders(value: string): Reading {
  if (value === '') return { value: [] };
  let object: unknown;
  try {
    object = JSON.parse(value);
  } catch {
    return 'must be a JSON object of strings';
  }
  if (typeof object !== 'object' || object === null || Array.isArray(object)) return 'must be a JSON object of strings';
  const flat: string[] = [];
  for (const [name, content] of Object.entries(object)) {
    if (typeof content !== 'string' || !/^[\t\x20-\x7e]*$/.test(content))
      return `must hold strings of printable ASCII; the value of ${JSON.stringify(name)} is not one`;
    if (!HEADER_NAME.test(name.toLowerCase())) return `must hold header names; ${JSON.stringify(name)} is not one`;
    if (OWN_HEADERS.test(name.toLowerCase())) return `may not set ${name}, which the gateway sets itself`;
    flat.push(name.toLowerCase(), content);
  }
  return { value: flat };
}

function readHeaderNames(value: string): Reading {
  if (isHollow(value)) return EMPTY_LIST;
  const names = splitList(value).map((name) => name.toLowerCase());
  for (const name of names) {
    if (!HEADER_NAME.test(name)) return `must be header names joined by commas; ${JSON.stringify(name)} is not one`;
    if (name !== 'authorization' && (OWN_HEADERS.test(name) || name === 'host'))
      return `may not name ${name}, which belongs to this hop or is set by the gateway`;
  }
  return { value: new Set(names) };
}

function readOrigins(value: string): Reading {
  if (isHollow(value)) return EMPTY_LIST;
  const entries = splitList(value);
  for (const entry of entries) {
    const pattern = readOriginPattern(entry);
    if (typeof pattern === 'string')
      return `must be origins such as https://app.example.com, https://*.example.com, *.example.com or capacitor://localhost, joined by commas; ${JSON.stringify(entry)} is none: ${pattern}`;
  }
  return { value: entries };
}

/** Linux's numbers of proc, sysfs, cgroup, cgroup2, debugfs, tracefs and devpts: they look writable to root, and hold no files of ours. */
const VIEWS_OF_THE_KERNEL = new Set([0x9fa0, 0x62656572, 0x27e0eb, 0x63677270, 0x64626720, 0x74726163, 0x1cd1]);

/** Changes nothing: who writes there makes the directory. One that does not exist must have a parent that it could be made in. */
function readDirectory(value: string): Reading {
  if (value === '') return { value: undefined };
  if (value.includes('\0')) return 'must be a path, which holds no NUL';
  try {
    let nearest = resolve(value);
    while (!exists(nearest)) nearest = dirname(nearest);
    if (!statSync(nearest).isDirectory()) return `must be a directory; ${nearest} is none`;
    accessSync(nearest, constants.R_OK | constants.W_OK | constants.X_OK);
    if (VIEWS_OF_THE_KERNEL.has(statfsSync(nearest).type)) return `must be a directory that can hold files; ${nearest} shows the kernel`;
    return { value };
  } catch (error) {
    return `must be a directory that this process may write to (${(error as Error).message})`;
  }
}

/** A link to nothing is there, and nothing can be made in its place. Throws what else stands in the way: a loop, a name too long. */
function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function readWorkers(value: string): Reading {
  if (value === 'auto') return { value: availableParallelism() };
  const count = Number(value);
  return Number.isInteger(count) && count >= 1 && count <= 1_024 ? { value: count } : 'must be a number from 1 to 1024, or auto';
}

/** `redis+sentinel://` names several hosts before the path, which no URL may. */
const SENTINELS = /^redis\+sentinel:\/\/([^@/]*@)?[^@/,\s]+(,[^@/,\s]+)*\/[^/?\s]+$/;

/** One engine, or several: primaries of Redis that share the load, or servers of one NATS cluster. */
function readEngine(value: string): Reading {
  if (value === '') return { value: undefined };
  const urls = value.split(/,\s*(?=[a-z+]+:\/\/)/);
  const problem = urls.map(engineProblem).find((one) => one !== null);
  if (problem !== undefined) return problem;
  if (new Set(urls.map(isNats)).size > 1) return 'must name engines of one kind';
  if (new Set(urls).size < urls.length) return 'must name each engine once';
  return { value: urls.join(',') };
}

function isNats(url: string): boolean {
  return /^(nats|tls):/.test(url);
}

function engineProblem(url: string): string | null {
  const scheme = ENGINE_SCHEMES.find((one) => url.startsWith(one));
  if (scheme === undefined) return `must be a URL that begins with ${ENGINE_SCHEMES.join(', ')}`;
  if (scheme === 'redis+sentinel://')
    return SENTINELS.test(url) ? null : 'must name Sentinels and their primary, as in redis+sentinel://h1:26379,h2:26379/mymaster';
  const isUrl = URL.canParse(url) && new URL(url).hostname !== '' && !url.includes(',');
  return isUrl
    ? null
    : `must be a URL with a host, such as ${scheme}engine.example.com; several are joined by commas, each with its scheme`;
}

import type { Random } from '../support/random.ts';
import type { Handshake } from './handshake-rules.ts';

type Draft = { method: string; target: string; version: string; fields: [name: string, value: string][] };
type Oddity = (draft: Draft, random: Random) => void;

const NAMES = ['Host', 'Upgrade', 'Connection', 'Sec-WebSocket-Key', 'Sec-WebSocket-Version'];
// oxfmt-ignore
const VALUES: Readonly<Record<string, readonly string[]>> = {
  Host: [
    '', ' ', 'u@127.0.0.1', '127.0.0.1:x', 'a b', '[::1]', '[x', 'evil.example', 'gateway', '127.0.0.1:80', 'http://127.0.0.1',
    '127.0.0.1/', '\xff', 'a'.repeat(255), '127.0.0.1, b', '__proto__',
  ],
  Upgrade: [
    'WebSocket', 'WEBSOCKET', 'websocket ', '\twebsocket', 'h2c', 'h2c, websocket', 'websocket, h2c', 'websocket/13', 'web socket', '',
    'websocke', 'websockets', '"websocket"', 'websocket,websocket', ',websocket', 'wEbSoCkEt\t',
  ],
  Connection: [
    'upgrade', 'UPGRADE', 'keep-alive, Upgrade', 'Upgrade, close', 'close', 'keep-alive', '', 'Upgraded', 'Up grade', ',,,Upgrade,,,',
    'Upgrade;x', '"Upgrade"', 'close, Upgrade', 'Upgrade,Host', 'Upgrade, Sec-WebSocket-Key', '\tUpgrade\t', 'TE, Upgrade',
  ],
  'Sec-WebSocket-Key': [
    '', ' ', 'AAAAAAAAAAAAAAAAAAAAAA==', 'dGhlIHNhbXBsZSBub25jZQ', 'dGhlIHNhbXBsZSBub25jZQ=', 'dGhlIHNhbXBsZSBub25jZQ===',
    'dGhlIHNhbXBsZSBub25jZR==', 'dGhlIHNhbXBsZSBub25jZQ== x', 'dGhlIHNhbXBsZSBub25j', '!!!!!!!!!!!!!!!!!!!!!!==',
    'dGhlIHNhbXBsZSBub25-_Q==', 'x'.repeat(3_000), 'dGhlIHNhbXBsZSBub25jZQ==,dGhlIHNhbXBsZSBub25jZQ==', '\xff'.repeat(22) + '==',
    'dGhlIHNhbXBsZSB\tub25jZQ==', '//////////////////////w==',
  ],
  'Sec-WebSocket-Version': [
    '', '0', '8', '12', '14', '013', '13.0', '1 3', '13, 8', '8, 13', '+13', '-13', '0x0d', '13 ', '\t13', 'thirteen',
    '99999999999999999999', '1٣', '13,13',
  ],
};
// oxfmt-ignore
const PROTOCOLS = [
  'a', 'a, b', 'a,b,c', 'a, a', 'a b', '', ',', 'a,,b', ' , ', 'a;q=1', '"a"', 'a/b', 'é', 'a\tb', '  a  ,\tb\t', 'constructor',
  '__proto__, toString', 'a,A', 'x'.repeat(2_000), 'bearer.x.y, b', 'a,',
];
// oxfmt-ignore
const EXTENSIONS = [
  'permessage-deflate', 'permessage-deflate; client_max_window_bits', 'permessage-deflate; client_max_window_bits=15, x-y',
  'permessage-deflate; =', ';', ',', 'x; a="b', 'permessage-deflate; server_max_window_bits=7', 'permessage-deflate; permessage-deflate',
  '\xff', 'x'.repeat(2_000),
];
// oxfmt-ignore
const TARGETS = [
  '/', '/hand', '/a/b/c', '/?', '/x?a=b', '/x?a=b&a=c&__proto__=d', '/x?%', '/%', '/%2F', '/%00', '/..', '/../x', '//x', '/x;y',
  '/__proto__', '/livez', '/metrics', '/send', `/${'p'.repeat(1_500)}`, '/x#y', '/#', '#', '', '*', 'x', '?x', 'http://127.0.0.1/x',
  'http://elsewhere/x', 'ws://127.0.0.1/x', 'wss://u:p@h/x', 'ftp://x/y', 'http:x', 'http://', '127.0.0.1:80', '/x y', '/\xff', '/\x01',
  'HTTP://H/X?y', 'http://h?x', 'http://h',
];
const METHODS = ['get', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'CONNECT', 'PATCH', 'TRACE', 'GETX', 'G E T', '', 'PRI', 'QUERY'];
// oxfmt-ignore
const VERSIONS = [
  'HTTP/1.0', 'HTTP/2.0', 'HTTP/0.9', 'HTTP/1.2', 'HTTP/3.0', 'http/1.1', 'HTTP/1', 'HTTP/11', 'HTTPS/1.1', '', 'HTTP/1.1 x', 'RTSP/1.0',
];
// oxfmt-ignore
const MORE: readonly [string, string][] = [
  ['Content-Length', '0'], ['Content-Length', '5'], ['Content-Length', '-1'], ['Transfer-Encoding', 'chunked'],
  ['Transfer-Encoding', 'gzip, chunked'], ['Expect', '100-continue'], ['Expect', 'x'], ['X-Forwarded-For', '1.2.3.4'],
  ['Forwarded', 'for=1.2.3.4'], ['Origin', 'http://evil.example'], ['Origin', 'null'], ['HTTP2-Settings', 'AAMAAABkAAQ'], ['X', ''],
  ['X', 'a\0b'], ['X', 'a\x01'], ['X Y', 'z'], ['X', 'a\r\n b'], ['', 'x'], ['__proto__', 'x'], ['constructor', 'x'],
  ['X', '\xff'.repeat(300)], ['Cookie', 'a=b'], ['Cookie', ''], ['Authorization', 'Basic !!!'], ['Authorization', 'Basic OjpA'],
  ['Authorization', ''], ['traceparent', 'x'], ['traceparent', `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`], ['User-Agent', '\x80'],
  ['Sec-WebSocket-Accept', 'x'], ['Sec-WebSocket-Origin', 'http://x'], ['Proxy-Connection', 'Upgrade'], ['Keep-Alive', 'x'],
  ['TE', 'trailers'], ['X', 'y'.repeat(3_000)], ['X(', 'y'], ['é', 'x'],
];

const ODDITIES: readonly Oddity[] = [
  (draft, { pick }) => {
    const name = pick(NAMES);
    set(draft, name, pick(VALUES[name] ?? []));
  },
  (draft, { pick }) => {
    const name = pick(NAMES);
    set(draft, name, pick(VALUES[name] ?? []));
  },
  (draft, { pick }) => void (draft.fields = draft.fields.filter(([name]) => name !== pick(NAMES))),
  (draft, { pick, below }) =>
    void draft.fields.splice(below(draft.fields.length + 1), 0, ...draft.fields.filter(([name]) => name === pick(NAMES)).slice(0, 1)),
  (draft, { pick }) => {
    const name = pick(NAMES);
    draft.fields.push([name.toUpperCase(), pick(VALUES[name] ?? [])]);
  },
  (draft, { pick }) =>
    void (draft.fields = draft.fields.map(([name, value]) => [pick([name.toLowerCase(), name.toUpperCase(), name]), value])),
  (draft, { below }) =>
    void (draft.fields = draft.fields
      .map((field) => ({ field, at: below(1_000) }))
      .toSorted((a, b) => a.at - b.at)
      .map(({ field }) => field)),
  (draft, { pick }) => void draft.fields.push(['Sec-WebSocket-Protocol', pick(PROTOCOLS)]),
  (draft, { pick }) => void draft.fields.push(['Sec-WebSocket-Protocol', pick(PROTOCOLS)], ['sec-websocket-protocol', pick(PROTOCOLS)]),
  (draft, { pick }) => void draft.fields.push(['Sec-WebSocket-Extensions', pick(EXTENSIONS)]),
  (draft, { below }) =>
    void draft.fields.push([
      'Sec-WebSocket-Protocol',
      Array.from({ length: below(1_500) }, (_none, index) => index.toString(36)).join(','),
    ]),
  (draft, { below, pick }) =>
    void draft.fields.push(['Sec-WebSocket-Protocol', `a${pick([' ', '\t', ',', ' ,']).repeat(below(3_000))}${pick(['', 'b', ';'])}`]),
  (draft, { pick }) => void draft.fields.push([...pick(MORE)]),
  (draft, { pick }) => void draft.fields.unshift([...pick(MORE)]),
  (draft, { pick }) => void (draft.target = pick(TARGETS)),
  (draft, { pick }) => void (draft.target = pick(TARGETS)),
  (draft, { pick }) => void (draft.method = pick(METHODS)),
  (draft, { pick }) => void (draft.version = pick(VERSIONS)),
  (draft, { below }) =>
    void draft.fields.push(...Array.from({ length: below(400) }, (_none, index): [string, string] => [`X-${index}`, ''])),
];

function set(draft: Draft, name: string, value: string): void {
  draft.fields = draft.fields.map((field) => (field[0] === name ? [name, value] : field));
}

/** A handshake with nothing to three things odd about it. */
export function hostileHandshake(random: Random): Handshake {
  const { below, bytes, pick } = random;
  const draft: Draft = {
    method: 'GET',
    target: '/hand',
    version: 'HTTP/1.1',
    fields: [
      ['Host', '127.0.0.1'],
      ['Upgrade', 'websocket'],
      ['Connection', 'Upgrade'],
      ['Sec-WebSocket-Key', bytes(16).toString('base64')],
      ['Sec-WebSocket-Version', '13'],
    ],
  };
  for (let count = below(10) === 0 ? 0 : 1 + below(3); count > 0; count -= 1) pick(ODDITIES)(draft, random);
  return draft;
}

export function writeHandshake({ method, target, version, fields }: Handshake): Buffer {
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return Buffer.from(`${method} ${target} ${version}\r\n${lines}\r\n`, 'latin1');
}

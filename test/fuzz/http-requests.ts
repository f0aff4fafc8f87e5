import type { Random } from '../support/random.ts';

/** One request before it is written down: every part may be odd. */
type Draft = {
  method: string;
  target: string;
  version: string;
  /** Whole lines, without their ends. */
  fields: string[];
  body: string;
  /** What separates the parts of the first line, and ends lines. */
  space: string;
  end: string;
};

type Oddity = (draft: Draft, random: Random) => void;

// oxfmt-ignore
const METHODS = [
  'get', 'G', 'PROPFIND', 'TRACE', 'PATCH', 'CONNECT', 'PRI', 'M-SEARCH', 'QUERY', 'X'.repeat(300), 'GE T', 'G\0T', '', 'PUT\t', 'HEAD',
  'OPTIONS',
];
// oxfmt-ignore
const TARGETS = [
  '', '*', '//', '/%', '/%ff', '/%00', '/a%2Fb', '/..', '/../../etc/passwd', '/.', '/?', '/??a', '/#x', '/livez#x', 'livez', '?x', '\\',
  '/\xff\xfe', '/a b', '/a\tb', '/a;b', '/__proto__', '/constructor', `/${'a'.repeat(2_000)}`, 'http://elsewhere/livez',
  'http://127.0.0.1/livez', 'https://u:p@h:1/x?y', 'ftp://h/x', 'http://', 'http:///livez', 'http:/livez', 'elsewhere:80',
  '/livez?__proto__=1', '/tree', '/status?limit=x', '/count', '/send?room=nowhere', '/close?room=nowhere', '/settags?room=nowhere',
  '/call/Reset/x/y', '/{}', '/<script>', '/@connections/x', '/readyz', '/a/b/c',
];
// oxfmt-ignore
const VERSIONS = [
  'HTTP/1.0', 'HTTP/0.9', 'HTTP/1.2', 'HTTP/1.10', 'HTTP/11', 'http/1.1', 'HTTP/1.1 ', 'HTTP/1', 'HTTP /1.1', 'ICE/1.0', '', 'HTTP/-1.1',
  'HTTP/1.x', 'HTTP/2.0', 'HTTP/3.0',
];
// oxfmt-ignore
const HOSTS = [
  '', ' ', 'u@127.0.0.1', 'u:p@127.0.0.1:1', '127.0.0.1:x', '127.0.0.1:99999999', 'a b', 'a,b', 'a/b', 'http://a', '[::1]', '[::1', '[x]',
  'evil.example', '127.0.0.1#', '127.0.0.1?x', '\xff', '%00', ':80', 'localhost:', 'a'.repeat(300), '127.0.0.1\\', '"127.0.0.1"', '<a>',
  '__proto__',
];
// oxfmt-ignore
const LENGTHS = [
  '-1', '+5', '0x5', '5, 5', '5, 6', '', ' ', '5 5', '5.0', '1e1', '99999999999999999999', '9007199254740993', 'NaN', '05', '5;', '\x0b5',
  '４',
];
// oxfmt-ignore
const CODINGS = [
  'gzip, chunked', 'chunked, chunked', 'chunkedx', 'identity', 'xchunked', 'chunked;q=1', 'Chunked', 'chunked, gzip', '"chunked"', '',
  ',chunked', 'chunked,', 'chunked\x0b', '\x0bchunked', 'deflate', 'chunke', 'chunked, identity',
];
// oxfmt-ignore
const CHUNKS = [
  '5\r\nhello\r\n0\r\n\r\n', '0\r\n\r\n', '5\r\nhello\r\n', '5\r\nhello0\r\n\r\n', '5\r\nhelloXX0\r\n\r\n', 'g\r\n', '-1\r\n', '\r\n',
  '5 \r\nhello\r\n0\r\n\r\n', ' 5\r\nhello\r\n0\r\n\r\n', '0x5\r\nhello\r\n0\r\n\r\n', '5;a=b\r\nhello\r\n0\r\n\r\n',
  '5;a="b"\r\nhello\r\n0\r\n\r\n', '5\nhello\n0\n\n', '05\r\nhello\r\n000\r\n\r\n', 'FFFFFFFFFFFFFFFF\r\nx', 'fffffffffffffffff\r\nx',
  '5\r\nhello\r\n0\r\nX: y\r\n\r\n', '5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n', '5\r\nhello\r\n0\r\nX y\r\n\r\n',
  '5\r\nhello\r\n0\r\n', '5,5\r\nhello\r\n0\r\n\r\n', '5\r\rhello\r\n0\r\n\r\n', '7fffffff\r\nx', '5\r\nhell',
  'A\r\n0123456789\r\n0\r\n\r\n', '5;\r\nhello\r\n0\r\n\r\n', `5;${'x'.repeat(2_000)}\r\nhello\r\n0\r\n\r\n`,
];
/** Stands for the word of the input: a key that came before would be answered and not be pushed. */
const WORD = '<word>';
// oxfmt-ignore
const FIELDS = [
  'X : y', ': y', 'X', 'X\t: y', ' X: y', 'X: a\r\n b', 'X: a\0b', 'X: a\x01b', 'X: \x7f', 'X: \xff\xfe', 'X:', 'X:\t \t', '__proto__: x',
  'constructor: x', `X: ${'v'.repeat(3_000)}`, 'Expect: 100-continue', 'Expect: miracles', 'Expect: 100-continue, 100-continue',
  'Connection: close', 'Connection: keep-alive', 'Connection: Content-Length', 'Connection: ,,,', 'Connection: Upgrade', 'Upgrade: h2c',
  'Upgrade: websocket', 'TE: trailers', 'Trailer: X', 'Content-Type: ;;;', 'Content-Type: application/octet-stream',
  'Content-Type: application/json; charset=x', 'Content-Encoding: gzip', 'Origin: http://evil.example', 'Origin: null',
  'Sec-Fetch-Site: cross-site', 'X-Forwarded-For: 1.2.3.4', 'X-Forwarded-For: ', 'Forwarded: for=x', 'Authorization: Basic ====',
  'Authorization: Bearer x', `Idempotency-Key: ${WORD}`, `Idempotency-Key: ${WORD}${'k'.repeat(300)}`, 'Range: bytes=0-', 'If-None-Match: *',
  'Accept: application/json', 'Accept: \xff', 'Max-Forwards: x', 'X-HTTP-Method-Override: DELETE', 'HTTP2-Settings: AAMAAABkAAQ',
  'Keep-Alive: timeout=0', 'Cookie: a=b; a=b', 'Content-Length : 5', 'Transfer-Encoding : chunked', 'Content-Length\0: 5', 'X: y\rZ: w',
  'X: y\nZ: w',
];

const ODDITIES: readonly Oddity[] = [
  (draft, { pick }) => void (draft.method = pick(METHODS)),
  (draft, { pick }) => void (draft.target = pick(TARGETS)),
  (draft, { pick }) => void (draft.version = pick(VERSIONS)),
  (draft, { pick }) => replace(draft, 'Host', [`Host: ${pick(HOSTS)}`]),
  (draft, { pick }) => replace(draft, 'Host', pick([[], ['Host: 127.0.0.1', 'Host: 127.0.0.1'], ['Host: 127.0.0.1', 'hOST: b']])),
  (draft, { pick }) => void draft.fields.push(pick(FIELDS)),
  (draft, { pick, below }) => void draft.fields.splice(below(draft.fields.length + 1), 0, pick(FIELDS)),
  (draft, { pick }) => withBody(draft, [`Content-Length: ${pick(LENGTHS)}`], 'hello'),
  (draft, { pick }) =>
    withBody(
      draft,
      pick([
        ['Content-Length: 5', 'Content-Length: 5'],
        ['Content-Length: 5', 'Content-Length: 6'],
        ['Content-Length: 3'],
        ['Content-Length: 9'],
        ['Content-Length: 5', 'Transfer-Encoding: chunked'],
        [],
      ]),
      'hello',
    ),
  (draft, { pick }) => withBody(draft, [`Transfer-Encoding: ${pick(CODINGS)}`], pick(CHUNKS)),
  (draft, { pick }) => withBody(draft, ['Transfer-Encoding: chunked'], pick(CHUNKS)),
  (draft, { pick }) =>
    withBody(
      draft,
      pick([
        ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'],
        ['Transfer-Encoding: gzip', 'Transfer-Encoding: chunked'],
        ['transfer-encoding:chunked'],
      ]),
      pick(CHUNKS),
    ),
  (draft, { pick }) => void (draft.space = pick(['  ', '\t', '', '\xa0', '\x0b', ' \t'])),
  (draft, { pick }) => void (draft.end = pick(['\n', '\r', '\r\r\n', '\n\r', '\r\n '])),
  (draft, { below }) => void draft.fields.push(...Array.from({ length: 1 + below(200) }, (_none, index) => `X-${index}: ${index}`)),
];

function replace(draft: Draft, name: string, fields: readonly string[]): void {
  draft.fields = [...draft.fields.filter((field) => !field.toLowerCase().startsWith(`${name.toLowerCase()}:`)), ...fields];
}

function withBody(draft: Draft, fields: readonly string[], body: string): void {
  replace(draft, 'Content-Length', []);
  replace(draft, 'Transfer-Encoding', fields);
  draft.body = body;
}

/** A sound request. `target` is an id that may be pushed to; `word` what is pushed, so that each push can be told apart. */
function soundDraft({ below, pick }: Random, target: string, word: string): Draft {
  const draft: Draft = {
    method: 'GET',
    target: '/livez',
    version: 'HTTP/1.1',
    fields: ['Host: 127.0.0.1'],
    body: '',
    space: ' ',
    end: '\r\n',
  };
  const kind = below(4);
  if (kind === 0) draft.target = pick(['/livez', '/nobody', '/count?room=nowhere', '/status?room=nowhere', '/nobody/else', '/%41']);
  else if (kind === 1)
    Object.assign(draft, { method: pick(['DELETE', 'POST', 'HEAD', 'OPTIONS', 'PUT']), target: pick(['/nobody', '/livez']) });
  else {
    const isChunked = kind === 3;
    draft.method = 'PUT';
    draft.target = target;
    const cut = below(word.length);
    const chunks = [word.slice(0, cut), word.slice(cut)].filter((part) => part !== '');
    draft.body = isChunked ? `${chunks.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join('')}0\r\n\r\n` : word;
    draft.fields.push(isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${word.length}`);
  }
  return draft;
}

function write({ method, target, version, fields, body, space, end }: Draft): Buffer {
  return Buffer.from([[method, target, version].join(space), ...fields, '', body].join(end), 'latin1');
}

// oxfmt-ignore
const INSERTED = [
  '\r\n', '\0', ':', ' HTTP/1.1\r\n', 'Host: b\r\n', '\r\n\r\n', 'Content-Length: 5\r\n', 'Transfer-Encoding: chunked\r\n', ' ', '\n',
  '\r', '\t',
];

/** Some of its bytes changed, left out or put in. */
function scrambled(bytes: Buffer, random: Random): Buffer {
  let result = bytes;
  for (let count = 1 + random.below(5); count > 0; count -= 1) {
    const at = random.below(result.length + 1);
    const kind = random.below(4);
    const [put, skip] = [
      [Buffer.from([random.below(256)]), 1],
      [Buffer.alloc(0), random.below(20)],
      [random.bytes(random.below(8)), 0],
      [Buffer.from(random.pick(INSERTED)), 0],
    ][kind] as [Buffer, number];
    result = Buffer.concat([result.subarray(0, at), put, result.subarray(at + skip)]);
  }
  return result;
}

/** What a stranger may send where requests are wanted: a request, or up to four in one go, sound, odd or scrambled, or noise. */
export function hostileHttp(random: Random, target: string, word: string): Buffer {
  const { below, pick } = random;
  if (below(20) === 0) return random.bytes(1 + below(300));
  const drafts = Array.from({ length: below(3) === 0 ? 1 + below(4) : 1 }, (_none, index) =>
    soundDraft(random, target, `${word}.${index}`),
  );
  const last = drafts.at(-1) as Draft;
  for (let count = below(3); count > 0; count -= 1) pick(ODDITIES)(last, random);
  last.fields = last.fields.map((field) => field.replace(WORD, word));
  const parts = drafts.map(write);
  if (below(5) === 0) parts.push(scrambled(parts.pop() as Buffer, random));
  if (below(10) === 0)
    parts.push(
      pick([random.bytes(1 + below(40)), Buffer.from('\r\n'), Buffer.from('GARBAGE\r\n\r\n'), Buffer.from('\x16\x03\x01\x02\x00')]),
    );
  const bytes = Buffer.concat(parts);
  return below(15) === 0 ? bytes.subarray(0, below(bytes.length) + 1) : bytes;
}

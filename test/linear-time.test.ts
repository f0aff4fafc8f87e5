import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { BlockList } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { namesAnother } from '../src/dialects/ocpp/identity.ts';
import { takeToken, withoutTokenIn } from '../src/edge/sockets/client-token.ts';
import { ControlTokens } from '../src/edge/control/tokens.ts';
import { createGuard, PRIVATE_NETWORKS } from '../src/edge/control/guard.ts';
import { addressCheck, callersOf, readAddress } from '../src/edge/server/client-address.ts';
import { originForm, requestProblem } from '../src/edge/server/request-form.ts';
import { acceptableDeflateOffer } from '../src/edge/sockets/deflate-offer.ts';
import { offeredSubprotocols, upgradeProblem } from '../src/edge/sockets/upgrade-request.ts';
import { originCheck } from '../src/wire/client-route.ts';
import { isBinaryType } from '../src/wire/http-messages.ts';

const SRC = fileURLToPath(new URL('../src', import.meta.url));

/** What a linear reader needs for the larger input at most; a quadratic one needs a second. */
const LIMIT_MS = 40;
const SIZE = 16 * 1024; // what a request line and headers may have

/** Once to warm up, then the best of three: another process may take the processor meanwhile. */
function shortest(work: () => unknown): number {
  let best = Infinity;
  for (let round = 0; round < 4; round += 1) {
    const start = performance.now();
    work();
    best = Math.min(best, performance.now() - start);
    if (best < LIMIT_MS) break;
  }
  return best;
}

/** Every regular expression that stands in the source. */
function expressions(): { readonly where: string; readonly expression: RegExp }[] {
  const found: { where: string; expression: RegExp }[] = [];
  for (const path of readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))) {
    const code = readFileSync(join(SRC, path), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
    for (const [, source = '', flags = ''] of code.matchAll(
      /(?<=[(=,:?&|!{[\s]\s*)\/((?![*/])(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+)\/([a-z]*)(?=\s*[.,;)\]:}\n])/g,
    )) {
      found.push({ where: `${path}: /${source}/`, expression: new RegExp(source, flags) });
    }
  }
  return found;
}

/** Openings that carry an expression past its beginning, then one character again and again, then what it cannot end with. */
function* inputs(source: string): Generator<string> {
  const literal = /^\^?\(?((?:[A-Za-z]|\\?[-: /=])+)/.exec(source)?.[1]?.replaceAll('\\', '') ?? '';
  const alternatives = [...source.matchAll(/[A-Za-z]{3,}/g)].map(([word]) => word);
  const openings = [
    '',
    literal,
    `${literal} `,
    ...alternatives,
    ...alternatives.map((word) => `${word} `),
    'a/a',
    'http://',
    '/',
    ':',
    '"',
  ];
  for (const opening of new Set(openings))
    for (const piece of [' ', '\t', 'a', 'A', '0', '/', ':', '-', '.', ',', '=', '%', '{', 'a ', ' a', 'a/', ':a', '0.', 'a,', '\u00e4'])
      for (const ending of ['\0', '\n!', ' \0 ']) yield opening + piece.repeat(SIZE / piece.length) + ending;
}

test('every regular expression in the source is linear in what it reads', () => {
  const all = expressions();
  assert.ok(all.length > 35, `only ${all.length} were found`);
  assert.ok(all.some(({ where }) => where.startsWith('edge/sockets/upgrade-request.ts')));
  const slow: string[] = [];
  for (const { where, expression } of all) {
    for (const input of inputs(expression.source)) {
      const ms = shortest(() => (expression.global ? input.replaceAll(expression, '') : expression.test(input)));
      if (ms >= LIMIT_MS) {
        slow.push(`${where} takes ${ms.toFixed(0)} ms for ${JSON.stringify(input.slice(0, 24))}…`);
        break;
      }
    }
  }
  assert.deepEqual(slow, []);
});

test('the search for slow expressions finds those that were mended', () => {
  for (const expression of [/^[ \t]+|[ \t]+$/g, /^basic +(\S*) *$/i]) {
    const isSlow = [...inputs(expression.source)].some((input) => {
      const start = performance.now();
      if (expression.global) input.replaceAll(expression, '');
      else expression.test(input);
      return performance.now() - start >= LIMIT_MS;
    });
    assert.ok(isSlow, String(expression));
  }
});

function request(headers: Record<string, string>, url = '/'): IncomingMessage {
  const rawHeaders = Object.entries({ host: 'gateway', ...headers }).flat();
  return {
    method: 'GET',
    url,
    httpVersion: '1.1',
    headers: { host: 'gateway', ...headers },
    rawHeaders,
    socket: { remoteAddress: '127.0.0.1' },
  } as unknown as IncomingMessage;
}

const everybody = new BlockList();
everybody.addSubnet('0.0.0.0', 0);
everybody.addSubnet('::', 0, 'ipv6');

/** Everything that reads what a stranger wrote before anybody knows him. */
const READERS: Readonly<Record<string, (text: string) => unknown>> = {
  'offered subprotocols': (text) =>
    upgradeProblem(
      request({ 'sec-websocket-protocol': text, 'sec-websocket-version': '13', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' }),
    ) ?? offeredSubprotocols(request({ 'sec-websocket-protocol': text })),
  'a key': (text) => upgradeProblem(request({ 'sec-websocket-key': text, 'sec-websocket-version': '13' })),
  'Basic credentials': (text) => namesAnother(`Basic ${text}`, 'CP1'),
  'a bearer token': (text) => guard(request({ authorization: `Bearer ${text}` }), ['read']),
  'an Origin': (text) => originCheck(['https://a.example', '*.b.example', 'https://*.c.example:8443'])(text),
  'extension offers': (text) => acceptableDeflateOffer(`permessage-deflate; ${text}`),
  'a Host': (text) => requestProblem(request({ host: text })) ?? guard(request({ host: text }), ['read']),
  'a target': (text) => originForm(request({}, `http://${text}`)),
  'X-Forwarded-For': (text) => callersOf(addressCheck(everybody))(request({ 'x-forwarded-for': text })),
  Forwarded: (text) => callersOf(addressCheck(everybody))(request({ forwarded: text })),
  'an address': (text) => readAddress(text),
  'a token in a cookie': (text) => takeToken(request({ cookie: text }), {}) ?? withoutTokenIn(['Cookie', text]),
  'a token among subprotocols': (text) => takeToken(request({ 'sec-websocket-protocol': `bearer.${text}` }), {}),
  'a content type': (text) => isBinaryType(text),
};
const guard = createGuard({
  allow: PRIVATE_NETWORKS,
  tokens: new ControlTokens({ admin: ['secret'], push: ['other'], read: [] }),
  wantsCertificate: false,
  trustedProxies: new BlockList(),
  origins: [],
  hosts: [],
});

for (const [what, read] of Object.entries(READERS)) {
  test(`${what} is read in time that grows with its size`, () => {
    for (const piece of [
      'a',
      ' ',
      '\t',
      ',',
      ';',
      '"',
      '[',
      ':',
      '.',
      '%',
      ' a',
      ', ',
      'a,',
      'for=',
      'for=1.1.1.1,',
      '1.1.1.1,',
      '::1,',
      'x=y;',
      '\t,\t',
    ])
      for (const [opening, ending] of [
        ['', ''],
        ['a', 'b'],
        [' ', '\0'],
      ] as const) {
        const ms = shortest(() => read(opening + piece.repeat(SIZE / piece.length) + ending));
        assert.ok(ms < LIMIT_MS, `${ms.toFixed(0)} ms for ${JSON.stringify(piece)} again and again`);
      }
  });
}

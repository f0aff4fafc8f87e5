import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { acceptableDeflateOffer } from '../../../src/edge/sockets/deflate-offer.ts';

suite('of the extensions that a client offers', () => {
  for (const [list, taken] of [
    ['', null],
    ['x-webkit-deflate-frame', null],
    ['permessage-deflate', 'permessage-deflate'],
    ['permessage-deflate; client_max_window_bits', 'permessage-deflate; client_max_window_bits'],
    [
      'permessage-deflate;server_max_window_bits=10 ; client_no_context_takeover',
      'permessage-deflate; server_max_window_bits=10; client_no_context_takeover',
    ],
    ['permessage-deflate; client_max_window_bits="12"', 'permessage-deflate; client_max_window_bits=12'],
    ['permessage-deflate; made_up', null],
    ['permessage-deflate; made_up=1, permessage-deflate', 'permessage-deflate'],
    ['permessage-deflate; made_up="a, permessage-deflate"', null],
    [
      'permessage-deflate; made_up="\\", permessage-deflate, ", permessage-deflate; client_max_window_bits',
      'permessage-deflate; client_max_window_bits',
    ],
    [
      'permessage-deflate; server_max_window_bits=7, permessage-deflate; server_max_window_bits=9',
      'permessage-deflate; server_max_window_bits=9',
    ],
    ['permessage-deflate; server_max_window_bits=16', null],
    ['permessage-deflate; server_max_window_bits=010', null],
    ['permessage-deflate; server_max_window_bits', null],
    ['permessage-deflate; server_no_context_takeover=true', null],
    ['permessage-deflate; client_no_context_takeover; client_no_context_takeover', null],
    ['permessage-deflate; __proto__', null],
    ['permessage-deflate;', null],
    [',, permessage-deflate ,', 'permessage-deflate'],
    ['foo bar, permessage-deflate', 'permessage-deflate'],
    ['permessage-bzip2; level=9, permessage-deflate; client_max_window_bits', 'permessage-deflate; client_max_window_bits'],
    ['"', null],
  ] as const)
    test(`${list || 'nothing'} gives ${taken ?? 'none'}`, () => assert.equal(acceptableDeflateOffer(list), taken));
});

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { readers } from '../../src/config/forms.ts';
import { originCheck } from '../../src/wire/client-route.ts';

const EXTENSION = 'chrome-extension://abcdefghijklmnopabcdefghijklmnop';
const FIREFOX = 'moz-extension://1b9a8d0c-1f3e-4a57-9c22-6c3f0a8f5d11';

suite('an entry of ORIGINS', () => {
  for (const [entry, matched, refused] of [
    [
      'https://app.example.com',
      ['https://app.example.com', 'HTTPS://App.Example.com'],
      ['http://app.example.com', 'https://app.example.com:444'],
    ],
    ['http://localhost:3000', ['http://localhost:3000'], ['http://localhost', 'http://localhost:3001']],
    ['http://[::1]:3000', ['http://[::1]:3000'], ['http://[::1]', 'http://[::2]:3000']],
    [
      'capacitor://localhost',
      ['capacitor://localhost'],
      ['ionic://localhost', 'http://localhost', 'capacitor://localhost:1', 'capacitor://localhost.evil'],
    ],
    ['ionic://localhost', ['ionic://localhost'], ['capacitor://localhost']],
    ['tauri://localhost', ['tauri://localhost'], ['https://tauri.localhost']],
    [EXTENSION, [EXTENSION], ['chrome-extension://ponmlkjihgfedcbaponmlkjihgfedcba', 'chrome-extension://']],
    [FIREFOX, [FIREFOX, FIREFOX.toUpperCase()], ['moz-extension://other']],
    ['safari-web-extension://E7A3', ['safari-web-extension://e7a3'], ['https://e7a3']],
    ['app://.', ['app://.'], ['app://']],
    ['file://', ['file://'], ['null', 'file:///', 'file:///etc/passwd']],
    [
      '*.example.com',
      ['https://a.example.com', 'http://a.b.example.com:8080', 'capacitor://x.example.com'],
      [
        'https://example.com',
        'https://evilexample.com',
        'https://a.example.com.evil.com',
        'https://evil.com/.example.com',
        'https://evil.com?.example.com',
        'https://evil.com\\.example.com',
        'https://evil@.example.com',
        'a.example.com',
        'https://.example.com',
      ],
    ],
    [
      '*.example.com:8443',
      ['https://a.example.com:8443', 'http://a.example.com:8443'],
      ['https://a.example.com', 'https://a.example.com:18443'],
    ],
    [
      'https://*.example.com',
      ['https://a.example.com', 'https://a.b.example.com'],
      ['http://a.example.com', 'https://example.com', 'https://a.example.com:8443', 'https://*', 'capacitor://a.example.com'],
    ],
    ['https://*.example.com:8443', ['https://a.example.com:8443'], ['https://a.example.com', 'http://a.example.com:8443']],
    ['capacitor://*.example.com', ['capacitor://a.example.com'], ['https://a.example.com']],
    ['http://*.localhost:5173', ['http://shop.localhost:5173'], ['http://localhost:5173']],
    ['https://xn--bcher-kva.example', ['https://xn--bcher-kva.example'], ['https://bucher.example']],
  ] as const) {
    test(`${entry} lets in what it names and nothing else`, () => {
      assert.deepEqual(readers.origins(entry), { value: [entry] });
      const isAllowed = originCheck([entry]);
      for (const origin of matched) assert.equal(isAllowed(origin), true, origin);
      for (const origin of [...refused, 'null', '', 'https://stranger.example']) assert.equal(isAllowed(origin), false, origin);
      assert.equal(isAllowed(undefined), true, 'no browser');
    });
  }

  for (const [entry, why] of [
    ['*', 'leave the list away'],
    ['null', 'sandboxed pages'],
    ['https://*', 'before the first dot'],
    ['*://app.example.com', 'a scheme and a host'],
    ['https://a.b/path', 'nothing behind it'],
    ['https://a.b/', 'nothing behind it'],
    ['https://a.b?x', 'nothing behind it'],
    ['https://user@a.b', 'nothing behind it'],
    ['https://', 'it has no host'],
    ['capacitor://', 'it has no host'],
    ['app.example.com', 'a scheme and a host'],
    ['https://a.b:443', 'leave :443 away'],
    ['http://a.b:80', 'leave :80 away'],
    ['https://*.a.b:443', 'leave :443 away'],
    ['https://a.b:99999', 'at most 65535'],
    ['*.a.b:99999', 'at most 65535'],
    ['https://a.b:', 'a scheme and a host'],
    ['https://app*.example.com', 'before the first dot'],
    ['https://*.*.example.com', 'behind *. stands a name'],
    ['*.', 'behind *. stands a name'],
    ['*.example.com/x', 'behind *. stands a name'],
    ['*.exa mple.com', 'behind *. stands a name'],
    ['*.0.0.1', 'below an address'],
    ['wss://app.example.com', 'https://'],
    ['ws://*.example.com', 'http://'],
    ['file://localhost', 'every file'],
    ['file://*.example.com', 'every file'],
    ['https://bücher.example', 'browsers write it https://xn--bcher-kva.example'],
    ['http://[0:0::1]', 'browsers write it http://[::1]'],
    ['http://127.1', 'browsers write it http://127.0.0.1'],
  ] as const) {
    test(`${entry} can match nothing: it is a mistake that is told`, () => {
      const told = readers.origins(`https://ok.example, ${entry}`);
      assert.ok(typeof told === 'string');
      assert.ok(told.includes(JSON.stringify(entry)) && told.includes(why), told);
    });
  }
});

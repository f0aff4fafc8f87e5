import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { ConfigError, loadConfig } from '../../src/config/load.ts';
import { run } from '../support/run.ts';

const API_URI = 'http://localhost:3000/ws';
const BOM = '\uFEFF';

function problemsOf(env: Record<string, string>): ConfigError {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  assert.fail(`${JSON.stringify(env)} was taken`);
}

function folderWith(t: TestContext, env: string | Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), 'values-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, '.env'), env);
  return folder;
}

test('what files and Secrets add around a value is no part of it, whatever the option', () => {
  for (const decorate of [
    (value: string) => `${value}\n`,
    (value: string) => `${value}\r\n`,
    (value: string) => `  \t${value} `,
    (value: string) => `"${value}"`,
    (value: string) => `'${value}'\n`,
    (value: string) => `${BOM}${value}`,
    (value: string) => `${BOM}" ${value} "\r\n`,
  ]) {
    const { config } = loadConfig({
      API_URI: decorate(API_URI),
      WS_HOSTNAME: decorate('https://gw.example.com/x'),
      PORT: decorate('8081'),
      LOG_LEVEL: decorate('debug'),
      CONTROL_TOKEN: decorate('one,two'),
      CONTROL_ALLOW: decorate('10.0.0.0/8'),
      BACKEND_HEADERS: decorate('{"x-key":"a"}'),
      ORIGINS: decorate('https://a.example.com'),
      NODE_NAME: decorate('node-a'),
      WORKERS: decorate('2'),
    });
    assert.equal(config.API_URI?.href, API_URI);
    assert.equal(config.WS_HOSTNAME, 'https://gw.example.com/x');
    assert.equal(config.PORT, 8081);
    assert.equal(config.LOG_LEVEL, 'DEBUG');
    assert.deepEqual(config.CONTROL_TOKEN, ['one', 'two']);
    assert.deepEqual(config.CONTROL_ALLOW.entries, ['10.0.0.0/8']);
    assert.deepEqual(config.BACKEND_HEADERS, ['x-key', 'a']);
    assert.deepEqual(config.ORIGINS, ['https://a.example.com']);
    assert.equal(config.NODE_NAME, 'node-a');
    assert.equal(config.WORKERS, 2);
  }
});

test('quotes that are not around the whole stay', () => {
  assert.deepEqual(loadConfig({ API_URI, CONTROL_TOKEN: '"a","b"' }).config.CONTROL_TOKEN, ['"a"', '"b"']);
  assert.deepEqual(loadConfig({ API_URI, CONTROL_TOKEN: '"a' }).config.CONTROL_TOKEN, ['"a']);
});

test('a byte-order mark before a name, in the environment or in .env, leaves CONTROL_TOKEN on', async (t) => {
  const { config, warnings } = loadConfig({ API_URI, [`${BOM}CONTROL_TOKEN`]: 'hush' });
  assert.deepEqual(config.CONTROL_TOKEN, ['hush']);
  assert.deepEqual(warnings, []);
  const text = `CONTROL_TOKEN=hush\r\nAPI_URI=${API_URI}\r\n`;
  for (const bytes of [Buffer.from(BOM + text), Buffer.from(BOM + text, 'utf16le'), Buffer.from(BOM + text, 'utf16le').swap16()]) {
    const { code, out, errors } = await run({}, ['--check-config'], folderWith(t, bytes));
    assert.deepEqual([code, errors], [0, '']);
    assert.match(out, /^CONTROL_TOKEN=\*\*\*$/m);
  }
});

test('an option that guards something is not off because only decoration is left of it', () => {
  for (const name of ['CONTROL_TOKEN', 'CONTROL_ALLOW', 'ORIGINS', 'TRUST_PROXY'])
    for (const value of ['""', ' ', BOM, '" "', '\n', ' , '])
      assert.match(problemsOf({ API_URI, [name]: value }).message, new RegExp(name));
  assert.deepEqual(loadConfig({ API_URI, CONTROL_TOKEN: '' }).config.CONTROL_TOKEN, [], 'empty is as unset');
});

test('a URL without a host, or with a line end in it, is a mistake', () => {
  const bad = [
    'http:/host',
    'http:host',
    'http://',
    'http:///host',
    'https:\\\\host',
    '/path',
    '//host/path',
    'http://?x',
    '?x',
    'http:8080',
  ];
  for (const value of [...bad, 'http://ho\nst/', 'http://host/a\tb', 'http://host/\u0000'])
    assert.match(problemsOf({ API_URI: value }).problems.join(), /^API_URI: must be (a URL with a host|one line)/, JSON.stringify(value));
  for (const value of ['localhost:3000', 'host', 'http://host', 'HTTP://host:1/a?b=http:///x', '[::1]:80/x', 'https://host'])
    assert.doesNotThrow(() => loadConfig({ API_URI: value }), value);
});

test('a WS_HOSTNAME that no header and no URL can hold is a mistake', () => {
  for (const value of ['ho\nst', 'a b', 'host/\u20ac', 'h\u0101st', 'http:/host', 'http://', '/path', 'host/a b'])
    assert.match(problemsOf({ API_URI, WS_HOSTNAME: value }).problems.join(), /^WS_HOSTNAME: must/, JSON.stringify(value));
  for (const value of ['gw.example.com', 'wss://gw.example.com:8443/base/', 'h\u00e9.example.com', '[::1]:8080'])
    assert.doesNotThrow(() => loadConfig({ API_URI, WS_HOSTNAME: value }), value);
});

test('near misses are named beside other mistakes: swapped letters, other case, other dashes', () => {
  const { message, problems } = problemsOf({ API_UIR: API_URI });
  assert.equal(problems.length, 1);
  assert.match(message, /^1 problem[^]*API_URI: [^]*warning: API_UIR is no option; did you mean API_URI\?/);
  for (const [slip, meant] of Object.entries({
    PROT: 'PORT',
    'control-token': 'CONTROL_TOKEN',
    CONTROL_TOKN: 'CONTROL_TOKEN',
    HSOT: 'HOST',
  }))
    assert.deepEqual(loadConfig({ API_URI, [slip]: '1' }).warnings, [`${slip} is no option; did you mean ${meant}?`]);
  assert.deepEqual(loadConfig({ API_URI, HOME: '/', PATH: '/', SHELL: 'sh', HOSTNAME: 'h' }).warnings, []);
});

test('no password and no value of the query of API_URI is printed, in whatever form it came', async () => {
  const bad = [
    'http://me:hush@host/',
    'me:hush@host',
    'http:/me:hush@host',
    'http://me:hu?sh@host',
    'ftp://me:hush@host',
    'http://hush@host',
  ];
  for (const value of bad) {
    const { message } = problemsOf({ API_URI: value });
    assert.match(message, /API_URI: must[^\n]*came "[^\n]*\*\*\*@host/);
    assert.doesNotMatch(message, /hu\??sh/);
  }
  assert.doesNotMatch(problemsOf({ API_URI: 'http:/host?code=hush' }).message, /hush/);
  const { out } = await run({ API_URI: 'http://host/ws?code=hush&id={id}&flag' }, ['--check-config']);
  assert.match(out, /^API_URI=http:\/\/host\/ws\?code=\*\*\*&id=\{id\}&\*\*\*$/m);
});

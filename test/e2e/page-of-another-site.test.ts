import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { lacks } from '../examples/programs.ts';
import { findBrowser, startBrowser } from '../support/browser.ts';
import { startApp } from '../support/app.ts';
import { ask } from '../support/ask.ts';
import { startBackend } from '../support/backend.ts';
import { connect } from '../support/client.ts';
import { isEvent } from '../support/guests.ts';

const NAMES = ['evil.example', 'ops.example', 'rebound.example'];

/** What a page got of one attempt: what it could read, or that it could not. */
type Attempts = Readonly<Record<string, string>>;

const ATTACK = readFileSync(new URL('attacking-page.js', import.meta.url), 'utf8');

async function attack(page: Page, gateway: string, id: string): Promise<Attempts> {
  await page.evaluate(ATTACK);
  return page.evaluate<Attempts>(`attempt(${JSON.stringify({ gateway, id })})`);
}

async function pageServer(t: TestContext): Promise<number> {
  const server = createServer((_request, response) =>
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><body>'),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

async function openPage(browser: Browser, url: string): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(url);
  return page;
}

test('a page of another site in a browser on an allowed network cannot push, close or read anything; one of CONTROL_ORIGINS can', async (t) => {
  const executablePath = findBrowser();
  if (executablePath === null) return lacks(t, 'a Chromium', 'chromium');
  const rules = NAMES.map((name) => `MAP ${name} 127.0.0.1`).join(',');
  const browser = await startBrowser(t, executablePath, [`--host-resolver-rules=${rules}`]);
  const port = await pageServer(t);
  const backend = await startBackend(t);
  const gateway = await startApp(t, { API_URI: backend.url, CONTROL_ALLOW: '127.0.0.0/8', CONTROL_ORIGINS: `http://ops.example:${port}` });
  const victim = await connect(t, gateway.wsUrl);
  const id = String((await backend.calls.first(isEvent('open'))).headers['ws-connection']);
  const untouched = async (who: string): Promise<void> => {
    const { body } = await ask(`${gateway.controlUrl}/${id}`);
    assert.deepEqual((JSON.parse(body) as { tags: object }).tags, {}, who);
    assert.deepEqual([victim.frames.all, victim.ws.readyState], [[], victim.ws.OPEN], who);
  };

  const evil = await openPage(browser, `http://evil.example:${port}/`);
  const strange: Attempts = await attack(evil, gateway.controlUrl, id);
  assert.ok(Object.keys(strange).length > 40);
  for (const [what, got] of Object.entries(strange))
    assert.match(
      got,
      /^(failed: TypeError: Failed to |opaque 0 $|error|loaded, not readable|loaded nothing to read|submitted|true)/,
      `${what}: ${got}`,
    );
  await untouched('evil.example');

  // DNS rebinding: the stranger's name leads to the gateway, so that the page and the gateway are one origin to the browser
  const rebound = await browser.newPage();
  const there = `http://rebound.example:${new URL(gateway.controlUrl).port}`;
  await rebound.route(`${there}/page`, (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html><body>' }));
  await rebound.goto(`${there}/page`);
  for (const [what, got] of Object.entries(await attack(rebound, there, id)))
    assert.doesNotMatch(got, /^(basic|cors) (200|202|204)|wsaas_|"id"/, `${what}: ${got}`);
  await untouched('rebound.example');

  const ops = await openPage(browser, `http://ops.example:${port}/`);
  const own: Attempts = await attack(ops, gateway.controlUrl, id);
  assert.match(own[`PUT /${id}`] ?? '', /^cors 200/, 'what is refused above works for whom it is allowed');
  assert.match(own['GET /status'] ?? '', /^cors 200 id=/);
  assert.ok(victim.frames.all.length > 0);
  await victim.ended;
});

import assert from 'node:assert/strict';
import { createServer, type AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import type { Page } from 'playwright-core';
import { childrenOf, launchDemo, listens, printedCommands, startDemo, type Demo } from '../examples/demo-process.ts';
import { lacks } from '../examples/programs.ts';
import { runInTerminal } from '../examples/terminal.ts';
import { findBrowser, startBrowser } from '../support/browser.ts';
import { connect } from '../support/client.ts';
import { ENGINE_KINDS, missing } from '../support/engine-server.ts';
import { isAlive, signalTo } from '../support/signals.ts';

const OK = '{"code":"OK"}';

test('two browser tabs chat in the demo, see the HTTP calls behind it, and obey the printed curl lines', async (t) => {
  const executablePath = findBrowser();
  if (executablePath === null) return lacks(t, 'a Chromium', 'chromium');
  const demo = await startDemo(t);
  const [ada, grace] = await openTabs(t, executablePath, demo.pageUrl);

  await say(ada, 'Ada', 'hello from Ada');
  await grace.locator('#messages .other', { hasText: 'hello from Ada' }).waitFor();
  await say(grace, 'Grace', 'hello from Grace');
  await ada.locator('#messages .other', { hasText: 'hello from Grace' }).waitFor();
  assert.equal(await ada.locator('#messages .own').count(), 1, 'a message comes back once');

  assert.deepEqual(await methods(ada), ['PUT', 'PUT', 'POST', 'POST']);
  const opened = ada.locator('[data-method=POST]', { hasText: 'this tab' });
  const wsUri = await opened.locator('.headers div', { hasText: 'ws-uri' }).locator('dd').textContent();
  const id = wsUri?.split('/')[1];
  assert.ok(id, 'the call that opened this tab shows its ws_uri');
  const message = ada.locator('[data-method=PUT]', { hasText: 'this tab' });
  const headers = (await message.locator('.headers').textContent()) ?? '';
  for (const shown of ['content-typeapplication/json', 'ws-eventmessage', 'ws-seq1']) assert.ok(headers.includes(shown), headers);
  assert.match((await message.locator('.body').textContent()) ?? '', /"text":"hello from Ada"/);

  const { push, close } = await printedCommands(demo, id);
  assert.deepEqual([await ada.locator('#push').textContent(), await ada.locator('#close').textContent()], [push, close]);
  assert.equal(await runInTerminal(push), OK);
  await ada.locator('#messages .note', { hasText: 'Hello from the terminal' }).waitFor();
  assert.equal(await runInTerminal(close), OK);
  await ada.locator('#messages .note', { hasText: 'Closed with code 4001: bye' }).waitFor();
  await ada.locator('[data-method=DELETE]', { hasText: 'ws-close-code4001' }).waitFor();

  await ada.locator('#again').click();
  await ada.locator('#status[data-state=open]').waitFor();
  await endsClean(demo);
});

test('npm run demo -- --cluster: three gateways, a push across by the printed line, and a killed one whose ends another tells', async (t) => {
  const why = ENGINE_KINDS.every(missing) ? missing('redis') : false;
  if (why !== false) return t.skip(why);
  const demo = await startDemo(t, {}, ['--cluster']);
  const calls = await followCalls(t, demo);
  const ada = await connect(t, `${demo.gatewayUrl}/chat?name=Ada`);
  const across = await demo.lines.first((line) => line.includes('Hello across'));
  assert.ok(!across.includes(new URL(demo.gatewayUrl).host), across);
  assert.equal(await runInTerminal(across.trim()), OK);
  await ada.frames.first(({ text }) => text === 'Hello across');
  const line = await demo.lines.first((text) => text.includes('n1, pid'));
  signalTo(Number(/pid (\d+)/.exec(line)?.[1]), 'SIGKILL');
  await ada.ended;
  await demo.lines.first((text) => text.includes('n1 is gone'));
  const { headers } = (await calls('DELETE')) as { headers: Record<string, string> };
  assert.deepEqual([headers['ws-close-code'], headers['ws-orphan']], ['1006', 'true']);
  await endsClean(demo, 4); // backend, engine, two gateways
});

test('npm run demo -- --aws: two browser tabs chat by unmodified Lambda handlers, see their events, and obey the printed curl lines', async (t) => {
  const executablePath = findBrowser();
  if (executablePath === null) return lacks(t, 'a Chromium', 'chromium');
  const demo = await startDemo(t, {}, ['--aws']);
  const [ada, grace] = await openTabs(t, executablePath, demo.pageUrl);

  await say(ada, 'Ada', 'hello from Ada');
  await grace.locator('#messages .other', { hasText: 'hello from Ada' }).waitFor();
  await ada.locator('#messages .own', { hasText: 'hello from Ada' }).waitFor();
  const opened = ada.locator('[data-method=CONNECT]', { hasText: 'this tab' });
  const id = (await opened.locator('.headers div', { hasText: 'connectionId' }).locator('dd').textContent()) ?? '';
  const message = ada.locator('[data-method=MESSAGE]');
  assert.match((await message.locator('.body').textContent()) ?? '', /"routeKey": "\$default"/);
  assert.match((await message.locator('.answer').textContent()) ?? '', /^200.*Data sent\./);

  const lines = await demo.lines.atLeast(2, (line) => line.includes(`/@connections/${encodeURIComponent(id)}`));
  const [push = '', close = ''] = lines.map((line) => line.trim());
  assert.deepEqual([await ada.locator('#push').textContent(), await ada.locator('#close').textContent()], [push, close]);
  await runInTerminal(push);
  await ada.locator('#messages .note', { hasText: 'Hello from the terminal' }).waitFor();
  await runInTerminal(close);
  await ada.locator('#messages .note', { hasText: 'Closed with code 4001: bye' }).waitFor();
  await ada.locator('[data-method=DISCONNECT]', { hasText: '"disconnectStatusCode": 4001' }).waitFor();
  await endsClean(demo, 1);
});

test('the demo works for a client that is no browser, on other ports where its own are taken, and leaves nobody behind', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  t.after(() => taken.close());
  await new Promise((resolve) => taken.once('listening', resolve));
  const { port } = taken.address() as AddressInfo;
  const demo = await startDemo(t, { PORT: String(port), BACKEND_PORT: String(port), PAGE_PORT: String(port) });
  assert.match(await (await fetch(demo.pageUrl)).text(), /<title>wsaas demo<\/title>/);
  const [, consoleUrl = ''] = /(http:\S+\/console)$/m.exec(demo.lines.all.join('\n')) ?? [];
  assert.match(await (await fetch(consoleUrl)).text(), /<title>wsaas console<\/title>/);
  const calls = await followCalls(t, demo);

  const ada = await connect(t, `${demo.gatewayUrl}/chat?name=Ada`);
  const grace = await connect(t, `${demo.gatewayUrl}/chat?name=Grace`);
  ada.ws.send('hello');
  assert.equal((await grace.frames.atLeast(2))[1]?.text, 'hello');
  assert.deepEqual(
    (await ada.frames.atLeast(2)).map(({ text }) => text),
    ['Welcome. Clients here now: 1', 'hello'],
  );

  const { headers } = (await calls('PUT')) as { headers: Record<string, string> };
  assert.deepEqual([headers['ws-event'], headers['ws-tags']], ['message', 'name=Ada']);
  const { push, close } = await printedCommands(demo, String(headers['ws-uri']).split('/')[1] ?? '');
  assert.equal(await runInTerminal(push), OK);
  assert.equal((await ada.frames.atLeast(3))[2]?.text, 'Hello from the terminal');
  assert.equal(await runInTerminal(close), OK);
  assert.deepEqual(await ada.ended, { code: 4001, reason: 'bye' });
  assert.equal(((await calls('DELETE')) as { headers: Record<string, string> }).headers['ws-close-code'], '4001');

  await endsClean(demo);
  assert.equal((await grace.ended).code, 1001, 'who is still in is told goodbye');
});

test('a demo whose gateway cannot start ends with 1 and says why', async (t) => {
  const { lines, exited } = launchDemo(t, { WSAAS_MAIN: 'no-such-gateway.mjs' });
  assert.equal(await exited, 1);
  const told = lines.all.join('\n');
  assert.match(told, /The gateway is gone: it ended with exit code 1\. Its last words:\n[^]*Cannot find module/);
  assert.doesNotMatch(told, /Open {2}http/);
});

test('a demo whose gateway dies ends with 1, says so, and takes the rest along', { skip: process.platform !== 'linux' }, async (t) => {
  const demo = await startDemo(t);
  const [backend, gateway] = await childrenOf(demo.pid);
  assert.ok(backend !== undefined && gateway !== undefined, 'the demo runs two programs');
  signalTo(gateway, 'SIGKILL');
  assert.equal(await demo.exited, 1);
  assert.match(demo.lines.all.join('\n'), /The gateway is gone: it was ended by SIGKILL/);
  assert.equal(isAlive(backend), false);
});

/** Ctrl-C by way of npm comes twice. */
async function endsClean(demo: Demo, programs = 2): Promise<void> {
  const children = await childrenOf(demo.pid);
  if (process.platform === 'linux') assert.equal(children.length, programs);
  demo.kill('SIGINT');
  await demo.lines.first((line) => line.includes('Ending'));
  demo.kill('SIGINT');
  assert.equal(await demo.exited, 0);
  assert.deepEqual(children.filter(isAlive), [], 'no child is left');
  const urls = [demo.pageUrl, demo.gatewayUrl.replace('ws', 'http'), demo.backendUrl].filter((url) => url.startsWith('http'));
  for (const url of urls) assert.equal(await listens(url), false, url);
}

async function openTabs(t: TestContext, executablePath: string, url: string): Promise<[Page, Page]> {
  const browser = await startBrowser(t, executablePath);
  const context = await browser.newContext();
  const faults: string[] = [];
  context.on('weberror', (fault) => faults.push(String(fault.error())));
  t.after(() => assert.deepEqual(faults, [], 'no error on the page'));
  const open = async (): Promise<Page> => {
    const page = await context.newPage();
    await page.goto(url);
    await page.locator('#status[data-state=open]').waitFor();
    return page;
  };
  return [await open(), await open()];
}

async function say(page: Page, name: string, text: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Name' }).fill(name);
  await page.getByRole('textbox', { name: 'Message' }).fill(text);
  await page.getByRole('button', { name: 'Send' }).click();
}

/** Newest first, once four are there. */
async function methods(page: Page): Promise<(string | null)[]> {
  await page.locator('#calls .call').nth(3).waitFor();
  return page.locator('#calls .call .method').allTextContents();
}

/** Reads the page's stream of calls; the function returned waits for the first with a method. */
async function followCalls(t: TestContext, demo: Demo): Promise<(method: string) => Promise<unknown>> {
  const leaving = new AbortController();
  t.after(() => leaving.abort());
  const { body } = await fetch(`${demo.pageUrl}/calls`, { signal: leaving.signal });
  assert.ok(body);
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let told = '';
  return async (method) => {
    for (;;) {
      const call = [...told.matchAll(/^event: call\ndata: (.*)\n\n/gm)]
        .map(([, data]) => JSON.parse(data ?? '') as { method: string })
        .find((call) => call.method === method);
      if (call !== undefined) return call;
      const { value, done } = await reader.read();
      if (done) throw new Error(`the stream ended without a ${method}: ${told}`);
      told += value;
    }
  };
}

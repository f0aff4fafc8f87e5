import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { suite, test, type TestContext } from 'node:test';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { lacks } from '../examples/programs.ts';
import { startApp } from '../support/app.ts';
import { startBackend } from '../support/backend.ts';
import { findBrowser, openPage, startBrowser, type Visit } from '../support/browser.ts';
import { connect, refusal } from '../support/client.ts';
import { bodyOf, enter, ok, wholeFile, type Guest, type Scene } from '../support/guests.ts';

const TOKEN = 'open-sesame';
/** What each of a client's words would do if it became markup. */
const EVIL = '<img src=x onerror="window.hacked=true"><script>window.hacked=true</script>';
const VIEWS = ['overview', 'connections', 'ends', 'failures', 'nodes'] as const;

const PAGE_CHECKS = `${readFileSync(new URL('page-checks.js', import.meta.url), 'utf8')}; pageChecks()`;

const executablePath = findBrowser();

suite('the console in a browser', { concurrency: 2 }, async () => {
  if (executablePath === null) {
    test('a browser opens the console', (t) => lacks(t, 'a Chromium', 'chromium'));
    return;
  }
  const backend = await startBackend(wholeFile, (call) => {
    if (call.headers['ws-event'] !== 'open') return call.text === 'bad' ? { status: 422 } : {};
    const path = String(bodyOf(call)['path']);
    if (path === '/refused') return { status: 403, body: JSON.stringify({ code: EVIL }) };
    return ok({ tags: { room: path === '/evil' ? EVIL.slice(0, 100) : '1' } });
  });
  const gateway = await startApp(wholeFile, { API_URI: backend.url, NODE_NAME: 'n1', CONTROL_TOKEN: TOKEN, CONSOLE_PAYLOADS: 'plain' });
  const scene: Scene = { gateway, backend };
  const browser = await startBrowser(wholeFile, executablePath);

  test('the token is asked for, stays in the tab, and a wrong one is told', async (t) => {
    const { page, faults } = await visit(t, browser);
    await page.goto(`${gateway.controlUrl}/console`);
    const field = page.getByLabel('Token');
    await field.fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').filter({ hasText: 'Bearer with a token of CONTROL_TOKEN' }).waitFor();
    await field.fill(TOKEN);
    await page.keyboard.press('Enter');
    await isLive(page);
    assert.equal(await page.evaluate('localStorage.length + document.cookie.length'), 0);
    await page.reload();
    await isLive(page);
    await page.getByRole('button', { name: 'Forget token' }).click();
    await field.waitFor();
    assert.deepEqual(faults, []);
  });

  test('a token that may only read sees everything, and its commands are refused in words', async (t) => {
    const reading = await startApp(t, { API_URI: backend.url, CONTROL_READ_TOKEN: 'read', CONTROL_TOKEN: TOKEN });
    const { page } = await visit(t, browser);
    const guest = await enter(t, { gateway: reading, backend });
    await page.goto(`${reading.controlUrl}/console#connection=${guest.id}`);
    await page.getByLabel('Token').fill('read');
    await page.keyboard.press('Enter');
    await page.locator('#facts', { hasText: guest.id }).waitFor();
    await page.locator('#view-connection').getByLabel('Message').fill('hello');
    await page.getByRole('button', { name: 'Push' }).click();
    await page.locator('#push output[data-kind=bad]', { hasText: 'good for read' }).waitFor();
  });

  test('figures have curves, events come as they happen, and one connection is watched and commanded', async (t) => {
    const { page, faults } = await visit(t, browser);
    await logIn(page, gateway.controlUrl);
    const guest = await enter(t, scene);
    guest.ws.send('hello');
    await page.locator('#live tr', { hasText: 'hello' }).first().waitFor();
    await page.locator('figure', { hasText: 'Connections' }).locator('.line[d^=M]').waitFor({ state: 'attached' });
    await page.getByRole('link', { name: 'Connections' }).click();
    await page.getByRole('search').getByLabel('Id').fill(guest.id.slice(0, 20));
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByRole('link', { name: guest.id.slice(0, 12) }).click();
    await page.getByRole('heading', { name: `Connection ${guest.id}` }).waitFor();

    await page.locator('#view-connection').getByLabel('Message').fill('from the console');
    await page.getByRole('button', { name: 'Push' }).click();
    assert.equal((await guest.frames.first(({ text }) => text === 'from the console')).isBinary, false);
    await page.locator('#push output', { hasText: 'Sent.' }).waitFor();
    guest.ws.send('bad');
    await page.locator('#connection-events tr', { hasText: 'taken, but: status 422' }).waitFor();
    assert.equal(await page.locator('#connection-events tr', { hasText: '#2' }).count(), 1, 'read and answered are one row');

    await page.locator('#view-connection').getByLabel('Key').fill('seen');
    await page.locator('#view-connection').getByLabel('Value').fill('1');
    await page.getByRole('button', { name: 'Set tag' }).click();
    await page.locator('#facts', { hasText: 'seen=1' }).waitFor();

    await page.locator('#close').getByLabel('Code').fill('4001');
    await page.locator('#view-connection').getByLabel('Reason').fill('enough');
    await page.getByRole('button', { name: 'Close connection' }).click();
    assert.deepEqual(await guest.ended, { code: 4001, reason: 'enough' });
    await page.locator('#facts', { hasText: '4001, enough, by the backend' }).waitFor();
    assert.ok(await page.getByRole('button', { name: 'Push' }).isDisabled());

    await page.getByRole('link', { name: 'Ends' }).click();
    await page.locator('#view-ends').getByLabel('Close code').fill('4001');
    await page.getByRole('button', { name: 'Show' }).click();
    await page.locator('#ends tr', { hasText: 'enough' }).waitFor();
    await page.getByRole('link', { name: 'Nodes' }).click();
    await page.locator('#nodes tbody tr', { hasText: 'n1' }).waitFor();
    assert.deepEqual(faults, []);
  });

  test('all with a tag are commanded at once, once it is known how many', async (t) => {
    const { page } = await visit(t, browser);
    await logIn(page, gateway.controlUrl);
    const guests = [await enter(t, scene), await enter(t, scene)];
    const headers = { authorization: `Bearer ${TOKEN}` };
    await fetch(`${gateway.controlUrl}/settags?id=${guests.map(({ id }) => id).join()}`, { method: 'POST', body: 'crowd=1', headers });
    await page.getByRole('link', { name: 'Connections' }).click();
    await page.getByRole('search').getByLabel('Tags').fill('crowd=1');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.locator('#search-note', { hasText: '2 shown, that is all.' }).waitFor();
    await page.getByText('Command all that have these tags').click();
    await page.locator('#selection-count', { hasText: '2' }).waitFor();
    await page.getByLabel('Text', { exact: true }).fill('hello crowd');
    await page.getByRole('button', { name: 'Do it' }).click();
    await page.locator('#selection-result', { hasText: '2 matched, 2 done.' }).waitFor();
    for (const { frames } of guests) await frames.first(({ text }) => text === 'hello crowd');
  });

  test('a client’s words stay words: paths, tags, payloads, close reasons and refusals run nowhere', async (t) => {
    const { page, faults } = await visit(t, browser);
    await logIn(page, gateway.controlUrl);
    const evil = await enterEvil(t, scene);
    await refusal(t, `${gateway.wsUrl}/refused`);
    evil.ws.send(EVIL);
    await page.locator('#live tr', { hasText: EVIL }).first().waitFor();
    await page.goto(`${gateway.controlUrl}/console#connection=${evil.id}`);
    await page.reload();
    await page.locator('#facts', { hasText: EVIL.slice(0, 100) }).waitFor();
    evil.ws.send(EVIL);
    await page.locator('#connection-events tr', { hasText: EVIL }).waitFor();
    evil.ws.close(4_002, EVIL.slice(0, 120));
    await page.locator('#facts', { hasText: EVIL.slice(0, 120) }).waitFor();
    for (const view of ['ends', 'failures']) {
      await page.goto(`${gateway.controlUrl}/console#${view}`);
      await page.locator(`#${view} tbody tr`).first().waitFor();
    }
    assert.equal(await page.locator('main img, main script').count(), 0);
    assert.equal(await page.evaluate('"hacked" in window'), false);
    assert.deepEqual(faults, [], 'nothing even tried');
  });

  test('on a phone and on a wide screen, in light and dark, everything fits, has a name and can be read', async (t) => {
    const guest = await enter(t, scene);
    for (const options of [
      { viewport: { width: 390, height: 844 }, colorScheme: 'dark' },
      { viewport: { width: 1_280, height: 900 }, colorScheme: 'light' },
    ] satisfies BrowserContextOptions[]) {
      const { page } = await visit(t, browser, options);
      await logIn(page, gateway.controlUrl);
      guest.ws.send(`a long word ${'x'.repeat(300)}`);
      await page.locator('#live tr', { hasText: 'a long word' }).first().waitFor();
      for (const view of [...VIEWS, `connection=${guest.id}`]) {
        await page.goto(`${gateway.controlUrl}/console#${view}`);
        await page.locator(`#view-${view.split('=')[0]}`).waitFor();
        const told = `${view} at ${options.viewport.width}`;
        assert.deepEqual(await page.evaluate(PAGE_CHECKS), [], told);
      }
    }
  });

  test('every view is reached and left by the keyboard alone', async (t) => {
    const { page } = await visit(t, browser);
    await logIn(page, gateway.controlUrl);
    await page.keyboard.press('Tab');
    assert.equal(await focused(page), 'Skip to content');
    for (const name of ['Overview', 'Connections', 'Ends', 'Failures', 'Nodes']) {
      await page.keyboard.press('Tab');
      assert.equal(await focused(page), name);
    }
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Nodes' }).waitFor();
    assert.equal(await page.evaluate('document.activeElement.id'), 'main');
    assert.equal(await page.locator('nav [aria-current=page]').textContent(), 'Nodes');
  });

  test('when the gateway is back, so is the console', async (t) => {
    const { page } = await visit(t, browser);
    const closes: (() => unknown)[] = [];
    const first = await startApp({ after: (close) => void closes.push(close as () => unknown) }, { API_URI: backend.url });
    const { port } = new URL(first.controlUrl);
    await page.goto(`${first.controlUrl}/console`);
    await isLive(page);
    for (const close of closes) await close();
    await page.locator('#state[data-state=waiting]').waitFor();
    await startApp(t, { API_URI: backend.url, PORT: port });
    await isLive(page);
  });
});

function visit(t: TestContext, browser: Browser, options: BrowserContextOptions = {}): Promise<Visit> {
  return openPage(t, browser, options);
}

async function isLive(page: Page): Promise<void> {
  await page.locator('#state[data-state=live]').waitFor();
}

async function logIn(page: Page, controlUrl: string): Promise<void> {
  await page.goto(`${controlUrl}/console`);
  await page.getByLabel('Token').fill(TOKEN);
  await page.keyboard.press('Enter');
  await isLive(page);
}

async function focused(page: Page): Promise<string> {
  return page.evaluate<string>('document.activeElement.textContent.trim()');
}

/** A client whose path cannot be told apart by `enter`: it is not the only one that has it. */
async function enterEvil(t: TestContext, { gateway, backend }: Scene): Promise<Pick<Guest, 'ws' | 'id'>> {
  const client = await connect(t, `${gateway.wsUrl}/evil`);
  const open = await backend.calls.first(({ headers, text }) => headers['ws-event'] === 'open' && text.includes('"/evil"'));
  return { ws: client.ws, id: String(open.headers['ws-connection']) };
}

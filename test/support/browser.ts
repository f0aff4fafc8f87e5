import type { TestContext } from 'node:test';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { findProgram } from '../examples/programs.ts';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Where a Chromium is on this machine, or null. */
export function findBrowser(): string | null {
  return findProgram(NAMES);
}

export async function startBrowser(t: Pick<TestContext, 'after'>, executablePath: string, more: readonly string[] = []): Promise<Browser> {
  const browser = await chromium.launch({ executablePath, args: [...ARGUMENTS, ...more] });
  t.after(() => browser.close());
  return browser;
}

/** A page of its own, and what went wrong on it: errors of its scripts, and what its Content Security Policy stopped. */
export type Visit = { readonly page: Page; readonly faults: string[] };

export async function openPage(t: Pick<TestContext, 'after'>, browser: Browser, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext(options);
  t.after(() => context.close());
  const faults: string[] = [];
  context.on('weberror', (fault) => faults.push(String(fault.error())));
  const page = await context.newPage();
  page.on('console', (message) => {
    if (/Content Security Policy|TrustedHTML|TrustedScript/.test(message.text())) faults.push(message.text());
  });
  return { page, faults };
}

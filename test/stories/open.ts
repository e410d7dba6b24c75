// Opens the page of stories in a browser: under the strict policy, at a fixed time, with every story of the kit in one
// script (bundle.ts). Called by the tests of this folder. It knows no element.

import { chromium, type Browser, type Page } from 'playwright-core';
import { browserFlags, findBrowser } from '../../server/browser.mjs';
import { strictPolicy } from '../../server/static-server.mjs';
import { bundleStories } from './bundle.js';
import type { StoryName } from './story-page.js';

export const origin = 'http://localhost:8'; // answered by the test itself; localhost is a secure context
const style = `
  :root { color-scheme: light; font-family: system-ui, sans-serif; }
  :root[data-scheme='dark'] { color-scheme: dark; background: #0f1115; }
  body { margin: 0; }
  main { padding: 16px; }
`;
const pageText = `<!doctype html><html lang="en"><title>Story</title><link rel="stylesheet" href="/page.css"><body><script type="module" src="/page.js"></script></body></html>`;

export interface PageOptions {
  readonly width: number;
  readonly height?: number;
  readonly forcedColors?: 'active' | 'none';
}

export interface OpenedPage {
  readonly page: Page;
  /** Errors of the page since they were looked at last. */
  readonly faults: string[];
}

export class StoryBrowser {
  readonly #browser: Browser;
  readonly #scripts: ReadonlyMap<string, string>;

  private constructor(browser: Browser, scripts: ReadonlyMap<string, string>) {
    this.#browser = browser;
    this.#scripts = scripts;
  }

  static async open(): Promise<StoryBrowser> {
    const scripts = await bundleStories();
    const args = browserFlags('none');
    return new StoryBrowser(await chromium.launch({ executablePath: findBrowser(), args, headless: true }), scripts);
  }

  close(): Promise<void> {
    return this.#browser.close();
  }

  /** A page in a context of its own. */
  async page({ width, height = 900, forcedColors = 'none' }: PageOptions): Promise<OpenedPage> {
    const context = await this.#browser.newContext({
      viewport: { width, height },
      reducedMotion: 'reduce',
      forcedColors,
      locale: 'en-GB',
      timezoneId: 'UTC',
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    const page = await context.newPage();
    page.setDefaultTimeout(120_000); // a machine that does much else beside
    const faults: string[] = [];
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('filechooser', () => undefined); // from now on and not from the press that opens one: none is shown for real
    await page.clock.setFixedTime(new Date('2026-03-01T12:00:00Z'));
    await page.route(`${origin}/**`, (route) => {
      const { pathname } = new URL(route.request().url());
      const script = this.#scripts.get(pathname);
      if (script !== undefined) return route.fulfill({ contentType: 'text/javascript', body: script });
      if (pathname === '/page.css') return route.fulfill({ contentType: 'text/css', body: style });
      if (pathname === '/') {
        return route.fulfill({
          contentType: 'text/html',
          headers: { 'Content-Security-Policy': strictPolicy },
          body: pageText,
        });
      }
      return route.fulfill({ status: 404, body: '' });
    });
    return { page, faults };
  }
}

/** A fresh page for each story, so that no story sees another's leavings. */
export async function show(page: Page, story: StoryName, scheme: 'light' | 'dark' = 'light'): Promise<void> {
  await page.goto(`${origin}/`);
  await page.waitForFunction(() => 'stories' in window);
  await page.evaluate(async ([wanted, colours]) => await window.stories.show(wanted, colours), [
    story,
    scheme,
  ] as const);
}

/** Scripted engines write at their pace: until nothing has changed for a while, or for a story that never ends, long enough. */
export const rested = (page: Page): Promise<void> =>
  page.evaluate(async () => {
    let last = '';
    let since = performance.now();
    const began = since;
    while (performance.now() - since < 250 && performance.now() - began < 2_500) {
      await new Promise((resume) => setTimeout(resume, 50));
      const now = [...document.querySelectorAll('llm-chat, llm-metrics, llm-status')]
        .map((element) => element.shadowRoot?.textContent)
        .join();
      if (now !== last) [last, since] = [now, performance.now()];
    }
    await document.fonts.ready;
  });

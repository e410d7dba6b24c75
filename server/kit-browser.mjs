// Opens the built kit in headless Chromium: what `npm run ask`, `npm run eval`, benches and end-to-end tests stand on.
// A static server on a free port of loopback, a browser with software WebGPU (or the real GPU), a page. Knows nothing
// of what is asked of the page.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { browserFlags, findBrowser } from './browser.mjs';
import { createStaticServer, distFolder, listen } from './static-server.mjs';

/**
 * @param {object} [options]
 * @param {Record<string, string>} [options.mounts] URL prefix -> folder, beside dist/
 * @param {boolean} [options.isolate] send COOP and COEP
 * @param {'software' | 'real'} [options.gpu]
 * @param {string | null} [options.policy] another content security policy than the strict one; null for none
 * @param {Parameters<typeof createStaticServer>[0]['handle']} [options.handle]
 * @param {string} [options.profile] folder of a browser profile to keep; a fresh one in memory when absent
 */
export async function openKit(options = {}) {
  const root = options.root ?? distFolder;
  if (!existsSync(join(root, 'index.html'))) throw new Error('The kit is not built. Run `npm run build` first.');
  const executablePath = findBrowser(); // before anything is open that would keep the process alive
  const { mounts, isolate, policy, handle } = options;
  const server = createStaticServer({ root, mounts, isolate, handle, ...(policy === undefined ? {} : { policy }) });
  const port = await listen(server);
  const launch = { executablePath, args: browserFlags(options.gpu), headless: true };
  let browser;
  try {
    browser = await chromium.launch(launch);
  } catch (error) {
    server.close();
    // What Playwright says at length, for `cause`; a wrong CHROME_PATH is the usual reason.
    throw new Error(`The browser at ${executablePath} did not start. Set CHROME_PATH to another one.`, {
      cause: error,
    });
  }
  const context = await browser.newContext();
  return {
    origin: `http://localhost:${port}`,
    server,
    browser,
    context,
    /** What the browser does half a minute after the engine's last page has gone: the next page starts from nothing. */
    async endEngine() {
      const session = await browser.newBrowserCDPSession();
      for (let tries = 0; ; tries++) {
        const { targetInfos } = await session.send('Target.getTargets');
        const engines = targetInfos.filter(({ type }) => type === 'shared_worker');
        if (engines.length === 0) break;
        if (tries === 300) throw new Error('The engine does not end.');
        for (const { targetId } of engines) await session.send('Target.closeTarget', { targetId });
        await new Promise((done) => setTimeout(done, 100));
      }
      await session.detach();
    },
    async close() {
      await browser.close();
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

// How much script a long answer costs while it streams in: a real `<llm-chat>` in Chromium, tokens at a steady pace.
// What counts is the script of a frame (a frame has 16 ms, of which 8 are ours; with the layout that following the end asks
// for) and whether a token costs more at the end of a long answer than at its beginning. `all work` is everything that the
// page's main thread did, as Chromium counts it: painting and what else the chat does are in it, too.
//   npm run bench -- markdown [--tokens 20000] [--rate 200] [--kinds prose,paragraph,list,code,table] [--rival] [--json]
// `--rival` adds what chats do that render the whole answer anew at each change: commonmark.js, then innerHTML.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import { browserFlags, findBrowser } from '../server/browser.mjs';
import { createStaticServer, listen } from '../server/static-server.mjs';

export const title = 'markdown: script time of a streaming answer, by frame';
export const columns = [
  'answer',
  'tokens',
  'tok/s',
  'p50 ms',
  'p95 ms',
  'max ms',
  'frames over 8 ms %',
  'first quarter µs/token',
  'last quarter µs/token',
  'growth',
  'all work, growth',
  'frames',
];

const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

export async function* run(given) {
  const { values } = parseArgs({
    args: given,
    options: {
      tokens: { type: 'string', default: '20000' },
      rate: { type: 'string', default: '200' },
      kinds: { type: 'string', default: 'prose' },
      rival: { type: 'boolean', default: false },
    },
  });
  const [tokens, rate] = [Number(values.tokens), Number(values.rate)];
  const folder = mkdtempSync(join(tmpdir(), 'markdown-bench-'));
  let server;
  let browser;
  try {
    await build({
      entryPoints: [join(import.meta.dirname, 'lab/markdown-page.ts')],
      bundle: true,
      splitting: true,
      format: 'esm',
      outdir: folder,
      minify: true,
      target: 'es2022',
      conditions: ['production'],
      logLevel: 'error',
    });
    writeFileSync(
      join(folder, 'index.html'),
      '<!doctype html><html lang="en"><meta charset="utf-8"><title>bench</title><script type="module" src="/markdown-page.js"></script>',
    );
    server = createStaticServer({ root: folder, policy: null });
    const port = await listen(server);
    browser = await chromium.launch({ executablePath: findBrowser(), args: browserFlags(), headless: true });
    const kinds = values.kinds.split(',');
    const rows = values.rival
      ? kinds.flatMap((kind) => [
          [kind, false],
          [kind, true],
        ])
      : kinds.map((kind) => [kind, false]);
    for (const [kind, rival] of rows) {
      const page = await browser.newPage();
      await page.goto(`http://localhost:${port}/index.html`);
      await page.waitForFunction(() => 'measure' in globalThis);
      yield {
        answer: rival ? `${kind}, whole anew each time` : kind,
        ...(await measured(page, { tokens, rate, kind, rival })),
      };
      await page.close();
    }
  } finally {
    await browser?.close();
    server?.closeAllConnections();
    await new Promise((done) => (server === undefined ? done() : server.close(done)));
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measured(page, options) {
  const session = await page.context().newCDPSession(page);
  // The thread's own time, which another process that takes the core away does not change.
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  /** Seconds that the page's main thread worked until the end of each quarter, the beginning first. */
  const work = [];
  await page.exposeFunction('quarterEnds', async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    work.push(metrics.find(({ name }) => name === 'TaskDuration').value);
  });
  const { frames, quarters, seconds } = await page.evaluate((given) => globalThis.measure(given), options);
  const sorted = frames.toSorted((one, two) => one - two);
  const perToken = ({ milliseconds, tokens: shown }) => (1000 * milliseconds) / Math.max(1, shown);
  const [first, last] = [perToken(quarters[0]), perToken(quarters[3])];
  return {
    tokens: options.tokens,
    'tok/s': options.tokens / seconds,
    'p50 ms': at(sorted, 0.5),
    'p95 ms': at(sorted, 0.95),
    'max ms': sorted.at(-1),
    'frames over 8 ms %': (100 * sorted.filter((time) => time > 8).length) / sorted.length,
    'first quarter µs/token': first,
    'last quarter µs/token': last,
    growth: Math.round((100 * last) / first) / 100,
    'all work, growth': Math.round((100 * (work[4] - work[3])) / (work[1] - work[0])) / 100,
    'all work µs/token': (1e6 * (work[4] - work[0])) / options.tokens,
    frames: frames.length,
  };
}

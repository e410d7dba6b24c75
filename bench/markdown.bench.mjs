// How much script a long answer costs while it streams in: a real `<llm-chat>` in Chromium, tokens at a steady pace.
// What counts is the script of a frame (a frame has 16 ms, of which 8 are ours) and whether a token costs more at the end
// of a long answer than at its beginning.
//   npm run bench -- markdown [--tokens 20000] [--rate 200] [--json]

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
  'tokens',
  'rate',
  'p50 ms',
  'p95 ms',
  'max ms',
  'first quarter µs/token',
  'last quarter µs/token',
  'frames',
];

const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

export async function* run(given) {
  const { values } = parseArgs({
    args: given,
    options: { tokens: { type: 'string', default: '20000' }, rate: { type: 'string', default: '200' } },
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
    const page = await browser.newPage();
    await page.goto(`http://localhost:${port}/index.html`);
    await page.waitForFunction(() => 'measure' in globalThis);
    const { frames, quarters, seconds } = await page.evaluate(
      ([count, pace]) => globalThis.measure(count, pace),
      [tokens, rate],
    );
    const sorted = frames.toSorted((one, two) => one - two);
    const perToken = ({ milliseconds, tokens: shown }) => (1000 * milliseconds) / Math.max(1, shown);
    yield {
      tokens,
      rate,
      seconds,
      'p50 ms': at(sorted, 0.5),
      'p95 ms': at(sorted, 0.95),
      'max ms': sorted.at(-1),
      'first quarter µs/token': perToken(quarters[0]),
      'last quarter µs/token': perToken(quarters[3]),
      frames: frames.length,
    };
  } finally {
    await browser?.close();
    server?.closeAllConnections();
    await new Promise((done) => (server === undefined ? done() : server.close(done)));
    rmSync(folder, { recursive: true, force: true });
  }
}

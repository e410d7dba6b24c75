// Bundles kernels-page.ts and opens it in headless Chromium. Used by bench/kernels-wgsl.bench.mjs and
// bench/kernels-attention.bench.mjs.

import { join } from 'node:path';
import { build } from 'esbuild';
import { openKit } from '../../server/kit-browser.mjs';

/** @param {'software' | 'real'} gpu */
export async function openKernels(gpu) {
  const bundle = await build({
    entryPoints: [join(import.meta.dirname, 'kernels-page.ts')],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    logLevel: 'error',
  });
  const handle = (request, response) => {
    if (request.url !== '/kernels-page.js') return false;
    response.writeHead(200, { 'Content-Type': 'text/javascript' }).end(bundle.outputFiles[0].text);
    return true;
  };
  const kit = await openKit({ root: import.meta.dirname, policy: null, handle, gpu });
  const page = await kit.context.newPage();
  page.on('pageerror', (error) => console.error(error.message));
  await page.goto(`${kit.origin}/index.html`);
  await page.waitForFunction(() => globalThis.kernels !== undefined);
  return {
    open: () => page.evaluate(() => globalThis.kernels.open()),
    jobs: (...what) => page.evaluate((what) => globalThis.kernels.jobs(...what), what),
    time: (job) => page.evaluate((job) => globalThis.kernels.time(job), job),
    attention: (job) => page.evaluate((job) => globalThis.kernels.attention(job), job),
    choosing: (job) => page.evaluate((job) => globalThis.kernels.choosing(job), job),
    software: () => page.evaluate(() => globalThis.kernels.software()),
    close: () => kit.close(),
  };
}

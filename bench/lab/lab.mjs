// The Node side of the lab: bundles lab-page.ts, opens it in headless Chromium with given folders mounted, and calls
// it. Used by `npm run eval` and test/interop/compare.mjs.

import { join } from 'node:path';
import { build } from 'esbuild';
import { buildKernels } from '../../kernels/wasm/build.mjs';
import { openKit } from '../../server/kit-browser.mjs';

const root = join(import.meta.dirname, '../..');

/** A worker's own script must ask for isolation, too. */
const isolation = { 'Cross-Origin-Embedder-Policy': 'require-corp', 'Cross-Origin-Resource-Policy': 'same-origin' };

/**
 * @param {{mounts?: Record<string, string>, gpu?: 'software' | 'real', isolate?: boolean}} options
 * @returns {Promise<{call: (method: string, ...values: unknown[]) => Promise<any>, reload: () => Promise<void>, kernels: string[], close: () => Promise<void>}>}
 */
export async function openLab({ mounts = {}, gpu, isolate = false } = {}) {
  const bundle = await build({
    entryPoints: [join(import.meta.dirname, 'lab-page.ts'), join(import.meta.dirname, 'wasm-thread.ts')],
    outdir: '/',
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    conditions: ['production'],
    logLevel: 'error',
  });
  const kernels = await buildKernels();
  const served = [];
  const handle = (request, response) => {
    const script = bundle.outputFiles.find(({ path }) => path === request.url)?.text;
    const kernel = kernels.get(request.url.slice('/kernels/'.length));
    if (script === undefined && kernel === undefined) return false;
    if (kernel !== undefined) served.push(request.url.slice('/kernels/'.length));
    const type = kernel === undefined ? 'text/javascript' : 'application/wasm';
    const headers = isolate ? isolation : {};
    response.writeHead(200, { 'Content-Type': type, ...headers }).end(kernel ?? script);
    return true;
  };
  const kit = await openKit({
    root: import.meta.dirname,
    mounts: { '/ort/': join(root, 'node_modules/onnxruntime-web/dist'), ...mounts },
    policy: null,
    isolate,
    handle,
    gpu,
  });
  const openPage = async () => {
    const opened = await kit.context.newPage();
    opened.on('pageerror', (error) => console.error(error.message));
    await opened.goto(`${kit.origin}/index.html`);
    await opened.waitForFunction(() => globalThis.lab !== undefined);
    return opened;
  };
  let page = await openPage();
  return {
    async call(method, ...values) {
      return await page
        .evaluate(
          async ({ method, values }) => {
            try {
              return { ok: true, value: await globalThis.lab[method](...values) };
            } catch (error) {
              return { ok: false, message: `${error.code ?? error.name}: ${error.message} ${error.hint ?? ''}` };
            }
          },
          { method, values },
        )
        .then((reply) => {
          if (reply.ok) return reply.value;
          throw new Error(reply.message);
        });
    },
    /** Another page in another process: nothing stays but what the browser keeps. */
    async reload() {
      await page.close();
      page = await openPage();
    },
    /** Files of the WebAssembly kernels that pages and workers have fetched. */
    kernels: served,
    close: () => kit.close(),
  };
}

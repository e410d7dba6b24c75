// Browser tests: `*.test.ts` beside what they test, in real Chromium with software WebGPU.
// `../shared` (real models and vectors, optional) is served under /shared/; tests skip loudly where it is absent.

import { createReadStream, existsSync, statSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import { chromeLauncher } from '@web/test-runner-chrome';
import { esbuildPlugin } from '@web/dev-server-esbuild';
import { browserFlags, findBrowser } from './server/browser.mjs';
import { buildKernels } from './kernels/wasm/build.mjs';

const shared = resolve(import.meta.dirname, '../shared');

/** Serves files outside the root, with sizes and ranges left to the plain case: tests read them whole. */
function serveShared(context, next) {
  if (context.path === '/shared-present') {
    context.body = JSON.stringify(existsSync(shared));
    return undefined;
  }
  if (!context.path.startsWith('/shared/')) return next();
  const file = resolve(shared, `.${decodeURIComponent(context.path.slice('/shared'.length))}`);
  if (!file.startsWith(shared + sep) || !existsSync(file) || !statSync(file).isFile()) {
    context.status = 404;
    return undefined;
  }
  context.type = file.endsWith('.json') ? 'application/json' : 'application/octet-stream';
  context.length = statSync(file).size;
  context.body = createReadStream(file);
  return undefined;
}

/** Our WebAssembly kernels under /kernels/<file>, compiled on the first request after a change. */
async function serveKernels(context, next) {
  if (!/^\/kernels\/[a-z-]+\.wasm$/.test(context.path)) return next();
  const bytes = (await buildKernels()).get(context.path.slice('/kernels/'.length));
  if (!bytes) return next();
  context.type = 'application/wasm';
  context.body = Buffer.from(bytes);
  return undefined;
}

/** Tests named `x.isolated.test.ts` run in a cross-origin isolated page; workers' scripts must ask for isolation, too. */
async function isolate(context, next) {
  await next();
  const names = /isolated\.test\.ts/;
  const isPage = context.path === '/' && typeof context.body === 'string' && names.test(context.body);
  if (!isPage && !names.test(context.path) && !context.path.endsWith('/wasm-helper.ts')) return;
  context.set('Cross-Origin-Opener-Policy', 'same-origin');
  context.set('Cross-Origin-Embedder-Policy', 'require-corp');
  context.set('Cross-Origin-Resource-Policy', 'same-origin');
}

/**
 * The runner's report passes through structuredClone, which refuses what a failed assertion may hold (elements, functions):
 * the report was never sent, and a failed test showed as a file that "did not finish". Such values are named instead.
 */
const testRunnerHtml = (framework) => `<!DOCTYPE html>
<html>
  <body>
    <script>
      const clone = globalThis.structuredClone;
      const named = (key, value) => {
        if (value instanceof Node) return (value.outerHTML ?? value.nodeName).slice(0, 300);
        if (typeof value === 'function' || typeof value === 'bigint') return String(value);
        return value;
      };
      const reported = (report) => {
        const seen = new Set(); // a circle would be as bad
        const once = (key, value) =>
          typeof value === 'object' && value !== null && !(value instanceof Node) && seen.size === seen.add(value).size
            ? '[seen before]'
            : named(key, value);
        return JSON.parse(JSON.stringify(report, once));
      };
      globalThis.structuredClone = (value, options) =>
        value?.type === 'wtr-session-finished' ? reported(value) : clone(value, options);
    </script>
    <script type="module" src="${framework}"></script>
  </body>
</html>`;

export default {
  files: ['{components,engine,kernels,sw,server}/**/*.test.ts', '!**/*.node.test.ts'],
  nodeResolve: { exportConditions: ['production', 'default'], browser: true },
  plugins: [esbuildPlugin({ ts: true, target: 'es2022', tsconfig: './tsconfig.json' })],
  testRunnerHtml,
  middleware: [isolate, serveShared, serveKernels],
  concurrency: 1,
  testsStartTimeout: 120_000,
  testsFinishTimeout: 240_000,
  browserStartTimeout: 120_000,
  testFramework: { config: { timeout: 60_000 } },
  browsers: [
    chromeLauncher({
      launchOptions: { executablePath: findBrowser(), args: browserFlags(), headless: true },
    }),
  ],
};

// `npm run dev`: builds, serves the demo, rebuilds what changed (modules, the demo's files, the catalogue) and
// reloads open pages. Packs are copied again with each rebuild of the page bundle.

import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { watch } from 'rollup';
import { loadConfigFile } from 'rollup/loadConfigFile';
import { headersFor } from './headers.mjs';
import { createStaticServer, distFolder, listen, portFromEnvironment } from './static-server.mjs';

const reloadScript = `new EventSource('/dev-events').onmessage = () => location.reload();\n`;
const pages = new Set();

/** The page with one more script, a stream of reload events, and that script: the policy stays as strict as it is. */
function handle(request, response) {
  const [pathname] = (request.url ?? '/').split('?');
  if (pathname === '/dev-events') {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' }).write('\n');
    pages.add(response);
    response.on('close', () => pages.delete(response));
    return true;
  }
  if (pathname === '/dev-reload.js') {
    response.writeHead(200, { ...headersFor(pathname), 'Content-Type': 'text/javascript' }).end(reloadScript);
    return true;
  }
  if (pathname === '/kit-manifest.json') {
    // Without it the service worker keeps no build, and what was just built is what is seen.
    response.writeHead(404).end();
    return true;
  }
  if (pathname !== '/' && pathname !== '/index.html') return false;
  readFile(join(distFolder, 'index.html'), 'utf8').then(
    (html) =>
      response
        .writeHead(200, {
          ...headersFor(pathname),
          'Content-Type': 'text/html; charset=utf-8',
          'Cache-Control': 'no-store',
        })
        .end(html.replace('</head>', '<script type="module" src="/dev-reload.js"></script></head>')),
    (error) => response.writeHead(503).end(`Not built yet: ${error.message}\n`),
  );
  return true;
}

const { options, warnings } = await loadConfigFile(resolve(import.meta.dirname, '../rollup.config.mjs'), {
  silent: true,
});
warnings.flush();
const watcher = watch(options);
watcher.on('event', (event) => {
  if (event.code === 'ERROR') console.error(event.error.message);
  if (event.code === 'BUNDLE_END') void event.result.close();
  if (event.code === 'END') {
    console.log(`built ${new Date().toLocaleTimeString()}`);
    for (const page of pages) page.write('data: reload\n\n');
  }
});
try {
  const port = await listen(createStaticServer({ root: distFolder, isolate: true, handle }), portFromEnvironment(8080));
  console.log(`http://localhost:${port}`);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}

// What is downloaded, and how much it may weigh: `npm run size` after a build.
// The first figure follows the imports of the built files: what a page with `<llm-chat>` fetches before anybody has
// written a word, from the one script tag to the client that connects to the engine. The goal for it is 40 kB; the limits
// hold what is reached, so that it can only become less.

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const dist = join(import.meta.dirname, 'dist');
const read = (file) => readFileSync(join(dist, file), 'utf8');

/** A file and all that it imports at once. */
function withImports(file, files = new Set()) {
  if (files.has(file)) return files;
  files.add(file);
  for (const [, target] of read(file).matchAll(/\b(?:import|from)\s*"(\.[^"]+\.js)"/g)) {
    withImports(join(dirname(file), target), files);
  }
  return files;
}

/** Where a file imports something from later on. */
function later(file, pattern) {
  const target = pattern.exec(read(file))?.[1];
  if (target === undefined) throw new Error(`${file} does not import ${String(pattern)}; see .size-limit.mjs`);
  return join(dirname(file), target);
}

const entry = 'llm-elements.js';
const chat = withImports(later(entry, /"llm-chat":\(\)=>import\("([^"]+)"\)/), withImports(entry));
const connecting = [...chat].find((file) => /import\("[^"]*connect-/.test(read(file)));
const client = withImports(later(connecting, /import\("([^"]*connect-[^"]+)"\)/));
const paths = (files) => [...files].map((file) => `dist/${file}`);

export default [
  {
    name: 'a page with <llm-chat>, at first (gzip)',
    path: paths(new Set([...chat, ...client])),
    limit: '69 kB',
    gzip: true,
  },
  {
    name: 'of it: elements and markdown, before the first paint (gzip)',
    path: paths(chat),
    limit: '50.5 kB',
    gzip: true,
  },
  { name: 'client alone (gzip)', path: paths(withImports('client.js')), limit: '23 kB', gzip: true },
  {
    name: 'engine worker with our decoders (brotli)',
    path: ['dist/engine-worker.js', 'dist/chunks/wasm-decoder*.js'],
    limit: '173 kB',
    brotli: true,
  },
  { name: 'service worker (brotli)', path: 'dist/sw.js', limit: '22 kB', brotli: true },
  { name: 'WebAssembly kernels, all builds (gzip)', path: 'dist/kernels/*.wasm', limit: '100 kB', gzip: true },
  { name: 'default model pack', path: 'dist/models/default/**', limit: '4 MB', brotli: false },
];

// What is downloaded, and how much it may weigh: `npm run size` after a build.
// The first figures follow the imports of the built files, whether they are fetched at once or later. They count:
//   elements + client + markdown   what the one script tag fetches for a page with `<llm-chat>`, and all of markdown, which is
//                                  fetched when somebody turns to writing or a conversation is shown. The goal is 40 kB.
//   until somebody writes          the same without markdown: what a visitor fetches who only looks at the page
//   before the first paint         of that, what the chat shows itself with; the client comes after
//   its first answer included      the first figure and what shows messages and what can be done with them
//   client alone                   `connect()` without elements, and what registers the service worker
// Left out is what is named in `rare`, and nothing else: a part that is new counts.
// The limits hold what is reached, so that it can only become less.

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const dist = join(import.meta.dirname, 'dist');
const read = (file) => readFileSync(join(dist, file), 'utf8');

/** When somebody turns to writing: what asks, what shows messages and what can be done with them; and all of markdown. */
const withMessages = ['ask', 'turns'];
const withAnswers = ['markdown'];

/** By few pages, or after more than a question and its answer. */
const rare = [
  ...['ar', 'de', 'es', 'ja', 'zh'], // texts in another language than English, by the page's `lang`
  ...['highlight', 'math'], // when a fence or a formula has closed
  ...['menu', 'dialog', 'shortcuts', 'history', 'export', 'dictation', 'read-aloud'], // by a button or a key
  ...['attachments', 'cloud-switch'], // where a file is dropped, where the site has a cloud
  'keeper', // conversations that are kept: by an attribute
  'same-settings', // where a page connects again, or with other settings than another tab
  'collect', // answers that nobody wants in parts: no element does
  'rare-replies', // what is kept on this device, and the kernels' times
  'elected-tab', // where there can be no SharedWorker
  'lend-helper', // pages that are cross-origin isolated
];

/** A file, and all that it imports: at once, or with `also` given, later too where that lets it. */
function withImports(file, also = () => false, files = new Set()) {
  if (files.has(file)) return files;
  files.add(file);
  const code = read(file);
  for (const [, target] of code.matchAll(/\b(?:import|from)\s*"(\.[^"]+\.js)"/g)) {
    withImports(join(dirname(file), target), also, files);
  }
  for (const [, target] of code.matchAll(/\bimport\(["'`](\.[^"'`]+\.js)["'`]\)/g)) {
    const name = /([^/]+?)(?:-[\w-]{8})?\.js$/.exec(target)?.[1] ?? target;
    if (also(name)) withImports(join(dirname(file), target), also, files);
  }
  return files;
}

/** The element's own file, which the one script tag fetches for it. */
function fileOf(tag) {
  const target = new RegExp(`"${tag}":.*?import\\("([^"]+)"\\)`).exec(read(entry))?.[1];
  if (target === undefined) throw new Error(`${entry} does not import <${tag}>; see .size-limit.mjs`);
  return join(dirname(entry), target);
}

const entry = 'llm-elements.js';
const first = withImports(fileOf('llm-chat'), undefined, withImports(entry));
const except = (names) => withImports(fileOf('llm-chat'), (name) => !names.includes(name), withImports(entry));
const silent = except([...rare, ...withMessages, ...withAnswers]);
const goal = except([...rare, ...withMessages]);
const whole = except(rare);
const paths = (files) => [...files].map((file) => `dist/${file}`);
if (![...silent].some((file) => file.includes('connect-')))
  throw new Error('The client is missing; see .size-limit.mjs');
if (goal.size === silent.size) throw new Error('Markdown is missing, or comes too early; see .size-limit.mjs');

export default [
  { name: 'elements + client + markdown (gzip)', path: paths(goal), limit: '45.4 kB', gzip: true },
  { name: 'a page with <llm-chat>, until somebody writes (gzip)', path: paths(silent), limit: '33.3 kB', gzip: true },
  { name: 'of it: before the first paint (gzip)', path: paths(first), limit: '23.9 kB', gzip: true },
  {
    name: 'a page with <llm-chat>, its first answer included (gzip)',
    path: paths(whole),
    limit: '57.7 kB',
    gzip: true,
  },
  { name: 'client alone (gzip)', path: paths(withImports('client.js')), limit: '15.9 kB', gzip: true },
  {
    name: 'engine worker with our decoders (brotli)',
    path: ['dist/engine-worker.js', 'dist/chunks/wasm-decoder*.js'],
    limit: '167.4 kB',
    brotli: true,
  },
  { name: 'service worker (brotli)', path: 'dist/sw.js', limit: '17.5 kB', brotli: true },
  { name: 'WebAssembly kernels, all builds (gzip)', path: 'dist/kernels/*.wasm', limit: '100 kB', gzip: true },
  { name: 'default model pack', path: 'dist/models/default/**', limit: '4 MB', brotli: false },
];

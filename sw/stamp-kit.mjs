// Gives a built kit its identity: `kit-manifest.json` lists its files with their hashes, and both it and `sw.js` carry
// the build's id, which is made of all that the kit consists of (the models beside it are not part of it). A byte that
// changes anywhere gives another id, another sw.js, and so an update in every browser. Called by rollup.config.mjs after
// each bundle and by tests; whoever edits files of dist/ by hand runs it again:  node sw/stamp-kit.mjs dist

import { createHash } from 'node:crypto';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';

const manifestName = 'kit-manifest.json';
const workerName = 'sw.js';
/** As sw/kit-build.ts has it. */
const mark = /llm-elements-build:[0-9a-z]+/g;

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const shortened = (hash) => hash.slice(0, 12);

async function* filesUnder(folder) {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesUnder(path);
    else yield path;
  }
}

/**
 * The id by which pages tell the engine's builds apart: its entry names all of its other files, which have their hashes
 * in their names.
 * @param {string} folder of the built kit
 */
export const engineBuild = async (folder) => shortened(sha256(await readFile(join(folder, 'engine-worker.js'))));

/**
 * @param {string} folder of the built kit; must hold sw.js and engine-worker.js
 * @returns {Promise<string>} the build's id
 */
export async function stampKit(folder) {
  const files = [];
  const parts = [];
  for await (const path of filesUnder(folder)) {
    const name = relative(folder, path).split(sep).join('/');
    if (name.endsWith('.map') || name === manifestName || name.startsWith('examples/')) continue;
    const bytes = await readFile(path);
    if (name === workerName) {
      parts.push(`${name} ${sha256(bytes.toString().replaceAll(mark, ''))}`);
      continue; // the browser itself keeps it
    }
    const model = name.startsWith('models/');
    const hash = model ? undefined : sha256(bytes);
    if (!model) parts.push(`${name} ${hash}`);
    files.push({ path: name, bytes: bytes.length, ...(hash && { sha256: hash }) });
  }
  files.sort((a, b) => (a.path < b.path ? -1 : 1));
  const build = shortened(sha256(parts.sort().join('\n')));
  const manifest = { build, engine: await engineBuild(folder), files };
  const worker = join(folder, workerName);
  const code = await readFile(worker, 'utf8');
  const stamped = code.replaceAll(mark, `llm-elements-build:${build}`);
  if (!stamped.includes(build)) throw new Error(`${worker} has no place for the build's id; see sw/kit-build.ts.`);
  await writeFile(join(folder, manifestName), `${JSON.stringify(manifest, null, 1)}\n`);
  await writeFile(worker, stamped);
  return build;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log(await stampKit(process.argv[2] ?? 'dist'));
}

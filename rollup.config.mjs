// Builds dist/: three ES-module bundles and what stands beside them.
//   engine:  engine-worker.js, the SharedWorker; ONNX Runtime's loaders are chunks fetched when a decoder needs them;
//            helper-worker.js, the worker with threads that an isolated page lends
//   page:    llm-elements.js (classes), define.js (registers them), client.js, language-model.js, demo.js; shared chunks in chunks/; it
//            knows the engine's build, so that comes first
//   service: sw.js, one file
// plus ort/ and kernels/ (ONNX Runtime's WebAssembly and our own, named by content), models/ (catalogue and the packs shipped with the kit) and
// the demo page. kit-manifest.json lists every file of the kit with its size and hash for the service worker.

import { createHash } from 'node:crypto';
import { cp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { nodeResolve } from '@rollup/plugin-node-resolve';
import esbuild from 'rollup-plugin-esbuild';
import { minify } from 'rolldown/utils';
import { minifyTemplates } from './components/minify-templates.mjs';
import { buildKernels } from './kernels/wasm/build.mjs';
import { engineBuild, stampKit } from './sw/stamp-kit.mjs';

const root = import.meta.dirname;
const dist = join(root, 'dist');
const ortFolder = join(root, 'node_modules/onnxruntime-web/dist');
const ortFiles = ['ort-wasm-simd-threaded.wasm', 'ort-wasm-simd-threaded.asyncify.wasm'];

/** Copies ONNX Runtime's WebAssembly under content hashes and writes those names into `ort-assets.ts`. */
function onnxRuntimeFiles() {
  const hashed = new Map();
  return {
    name: 'onnx-runtime-files',
    async buildStart() {
      await mkdir(join(dist, 'ort'), { recursive: true });
      for (const name of ortFiles) {
        const bytes = await readFile(join(ortFolder, name));
        const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 12);
        hashed.set(name, name.replace(/\.wasm$/, `-${hash}.wasm`));
        await writeFile(join(dist, 'ort', hashed.get(name)), bytes);
      }
    },
    transform(code, id) {
      if (!id.endsWith(join('decoders', 'onnx', 'ort-assets.ts'))) return null;
      let written = code;
      for (const [name, copy] of hashed) written = written.replaceAll(`'${name}'`, `'${copy}'`);
      if (written === code) this.error("ort-assets.ts names none of ONNX Runtime's files; see rollup.config.mjs");
      return { code: written, map: null };
    },
  };
}

/** Compiles our WebAssembly kernels into `kernels/` under content hashes and writes those names into `kernel-assets.ts`. */
function kernelBuilds() {
  const hashed = new Map();
  return {
    name: 'kernel-builds',
    async buildStart() {
      const sources = join(root, 'kernels/wasm/assembly');
      for await (const path of filesUnder(sources)) this.addWatchFile(path);
      await mkdir(join(dist, 'kernels'), { recursive: true });
      for (const [name, bytes] of await buildKernels()) {
        const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 12);
        hashed.set(`kernels/${name}`, `kernels/${name.replace(/\.wasm$/, `-${hash}.wasm`)}`);
        await writeFile(join(dist, hashed.get(`kernels/${name}`)), bytes);
      }
    },
    transform(code, id) {
      if (!id.endsWith(join('kernels', 'wasm', 'kernel-assets.ts'))) return null;
      let written = code;
      for (const [name, copy] of hashed) {
        if (!written.includes(`'${name}'`)) this.error(`kernel-assets.ts does not name ${name}; see rollup.config.mjs`);
        written = written.replaceAll(`'${name}'`, `'${copy}'`);
      }
      return { code: written, map: null };
    },
  };
}

/** Fills a catalogue entry with what its pack's manifest says, so that no figure is written twice. */
async function listing(entry) {
  const file = join(root, 'models', entry.id, 'pack/manifest.json');
  const { totals, licence, quantisation, architecture } = JSON.parse(await readFile(file, 'utf8'));
  return {
    ...entry,
    byteLength: totals.byteLength,
    parameters: totals.parameters,
    licence,
    quantisation,
    contextLength: architecture.contextLength,
  };
}

/** The demo page, the catalogue and the packs. */
function staticFiles() {
  const demo = join(root, 'server/demo');
  return {
    name: 'static-files',
    async buildStart() {
      for await (const path of filesUnder(demo)) this.addWatchFile(path);
      this.addWatchFile(join(root, 'models/models.json'));
    },
    async writeBundle() {
      const isStatic = (path) => !path.endsWith('.ts') && !path.endsWith('.md');
      await cp(demo, dist, { recursive: true, filter: isStatic });
      await mkdir(join(dist, 'models'), { recursive: true });
      const entries = JSON.parse(await readFile(join(root, 'models/models.json'), 'utf8'));
      const catalogue = await Promise.all(entries.map(listing));
      await writeFile(join(dist, 'models/models.json'), `${JSON.stringify(catalogue, null, 1)}\n`);
      for (const name of ['default', 'draft']) {
        const pack = join(root, 'models', name, 'pack');
        if (existsSync(pack)) await cp(pack, join(dist, 'models', name), { recursive: true });
      }
    },
  };
}

async function* filesUnder(folder) {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesUnder(path);
    else yield path;
  }
}

/** Writes the engine's build into the pages' code, which is bundled after it (engine/client/kit-build.ts). */
function engineBuildOfPages() {
  return {
    name: 'engine-build-of-pages',
    async transform(code, id) {
      if (!id.endsWith(join('client', 'kit-build.ts'))) return null;
      this.addWatchFile(join(dist, 'engine-worker.js')); // here, so that a new engine has this module written again
      const build = await engineBuild(dist);
      const written = code.replace("engineBuild: string = ''", `engineBuild: string = '${build}'`);
      if (written === code) this.error('kit-build.ts has no place for the build; see rollup.config.mjs');
      return { code: written, map: null };
    },
  };
}

/** Last of each bundle, once there are all: what the kit consists of (sw/stamp-kit.mjs). */
function kitManifest() {
  return {
    name: 'kit-manifest',
    async closeBundle() {
      if (existsSync(join(dist, 'sw.js'))) await stampKit(dist);
    },
  };
}

const plugins = [
  nodeResolve({ browser: true, exportConditions: ['production', 'default'], extensions: ['.mjs', '.js', '.ts'] }),
  esbuild({ target: 'es2022', minify: true, tsconfig: join(root, 'tsconfig.json') }),
];

const output = {
  dir: dist,
  format: 'es',
  sourcemap: true,
  entryFileNames: '[name].js',
  chunkFileNames: 'chunks/[name]-[hash].js',
};

/**
 * In as few bytes as mean the same: esbuild's output once more through the minifier of Vite (a tenth of all that pages
 * download first is what it finds, a twentieth of the engine). It drops the notices of licences, which `licences()` keeps whole.
 */
const smallest = {
  name: 'smallest',
  async renderChunk(code, { fileName }) {
    if (/[/\\]ort\./.test(fileName)) return null; // small as it came
    const { code: small, map } = await minify(fileName, code, {
      module: true,
      compress: { target: 'es2022' },
      mangle: { toplevel: true },
      codegen: { removeWhitespace: true, legalComments: 'none' },
      sourcemap: true,
    });
    // The names of chunks in quotes, as other tools look for them: of the same length, so the map holds.
    return { code: small.replace(/\bimport\(`((?:[^`$]|\$(?!\{))+)`\)/g, 'import("$1")'), map };
  },
};

/** Writes `licences.txt`: the licence of each package whose code is in one of the bundles. Each adds its own; the last has all. */
function licences() {
  const folders = new Set();
  return {
    name: 'licences',
    async generateBundle(_options, bundle) {
      const modules = Object.values(bundle).flatMap((chunk) => Object.keys(chunk.modules ?? {}));
      const inside = /^(.*[/\\]node_modules[/\\](?:@[^/\\]+[/\\])?[^/\\]+)[/\\]/;
      for (const id of modules) {
        const folder = inside.exec(id)?.[1];
        if (folder !== undefined) folders.add(folder);
      }
      const texts = [];
      for (const folder of [...folders].sort()) {
        const { name, version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
        const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
        const text = file === undefined ? license : await readFile(join(folder, file), 'utf8');
        texts.push(`${name} ${version} (${license})\n\n${text.trim()}\n`);
      }
      this.emitFile({ type: 'asset', fileName: 'licences.txt', source: texts.join('\n----\n\n') });
    },
  };
}

/**
 * Files that many chunks need. `base`: what the chat shows itself with before anything happens, Lit and the elements'
 * common ground; what of that only other elements need is left to them. `engine`: with what of Lit's context only a
 * provider needs (one index exports all of it). `more`: icons and words of parts that come later. `protocol`: what elements
 * and client have in common, so that a page with the client alone downloads no Lit.
 */
const shared = {
  engine: /components\/engine\/engine\.ts$|@lit\/context\/lib\/(?:controllers\/context-provider|value-notifier)\.js$/,
  more: /components\/internal\/(?:more-[^/]+|token-words|adopt)\.ts$/,
  base: /node_modules\/(?:@lit|lit|lit-html|lit-element)\/|components\/(?:internal\/[^/]+|define\/register)\.ts$/,
  protocol: /engine\/protocol\/(?:errors|limits|state)\.ts$/,
};

const others = ['engine', 'metrics', 'model-picker', 'privacy', 'settings', 'status'];

/** Whether a page with this element needs that module at once. */
function needs(element, id, getModuleInfo) {
  const modules = new Set();
  const take = (one) => {
    if (modules.has(one)) return;
    modules.add(one);
    getModuleInfo(one)?.importedIds.forEach(take);
  };
  take(resolve(root, 'components/define/register.ts'));
  take(resolve(root, `components/${element}/${element}.ts`));
  return modules.has(id);
}

function pageChunks(id, { getModuleInfo }) {
  const name = Object.keys(shared).find((candidate) => shared[candidate].test(id));
  const common = () => needs('chat', id, getModuleInfo) && others.some((other) => needs(other, id, getModuleInfo));
  return name === 'base' && !common() ? undefined : name;
}

await rm(dist, { recursive: true, force: true });

const licencesOfAll = licences();

export default [
  {
    input: {
      'engine-worker': resolve(root, 'engine/host/shared-worker.ts'),
      'helper-worker': resolve(root, 'engine/host/helper-worker.ts'),
    },
    plugins: [onnxRuntimeFiles(), kernelBuilds(), ...plugins, smallest, licencesOfAll, kitManifest()],
    output,
  },
  {
    input: {
      'llm-elements': resolve(root, 'components/llm-elements.ts'),
      index: resolve(root, 'components/index.ts'),
      define: resolve(root, 'components/define/all.ts'),
      client: resolve(root, 'engine/client/index.ts'),
      'language-model': resolve(root, 'engine/client/language-model/index.ts'),
      demo: resolve(root, 'server/demo/demo.ts'),
    },
    plugins: [
      engineBuildOfPages(),
      minifyTemplates(),
      ...plugins,
      smallest,
      licencesOfAll,
      staticFiles(),
      kitManifest(),
    ],
    // What all elements share is one file: one request, and one dictionary for gzip.
    output: { ...output, manualChunks: pageChunks },
  },
  {
    input: { sw: resolve(root, 'sw/service-worker.ts') },
    plugins: [...plugins, smallest, licencesOfAll, kitManifest()],
    output: { ...output, inlineDynamicImports: true },
  },
];

// Compiles kernels/wasm/assembly into the eight WebAssembly files of kernels.ts. Called by the bundler (rollup.config.mjs),
// the test server (web-test-runner.config.mjs), Node tests and benches; results are kept in .cache/kernels under a hash
// of the sources and of the compiler's version, so that only the first caller after a change waits (a few seconds).
// Run alone (`node kernels/wasm/build.mjs`) it prints the files and their sizes.
// A file that would need memory of its own (static data, a start function) is refused: callers own every address.

import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';

const here = import.meta.dirname;
const root = join(here, '../..');
const sources = join(here, 'assembly');

const common = ['index.ts', '--runtime', 'stub', '--noAssert', '--importMemory', '--noExportMemory', '-O3'];
const threads = ['--enable', 'threads', '--sharedMemory', '--maximumMemory', '65536'];
/** File name -> the compiler's options. Names are those of `KernelFile` in kernels.ts. */
const builds = {
  'relaxed.wasm': [...common, '--enable', 'simd', '--enable', 'relaxed-simd'],
  'relaxed-threads.wasm': [...common, '--enable', 'simd', '--enable', 'relaxed-simd', ...threads],
  'simd.wasm': [...common, '--enable', 'simd'],
  'simd-threads.wasm': [...common, '--enable', 'simd', ...threads],
};
// The same for memory of more than 4 GiB.
for (const [name, options] of Object.entries(builds)) builds[large(name)] = options;

function large(name) {
  return name.replace(/^[a-z]+/, '$&-large');
}

export const kernelFiles = Object.keys(builds);

async function readSources() {
  const names = (await readdir(sources)).filter((name) => name.endsWith('.ts')).sort();
  return Promise.all(names.map(async (name) => [name, await readFile(join(sources, name), 'utf8')]));
}

/**
 * Addresses of 64 bits (Memory64). The compiler has them (its target Wasm64), but its command line neither offers that nor
 * gives the memory its kind, so both are done here, before anything is compiled. What is exported takes addresses as
 * f64, which JavaScript calls with plain numbers (exact to 2^53) where i64 would want a BigInt for each.
 */
class LargeAddresses {
  afterParse() {
    const { program, binaryen } = this;
    const { options, module } = program;
    options.target = 2; // Target.Wasm64
    options.features |= 1 << 11; // Feature.Memory64
    module.sizeType = binaryen.i64;
    module.setMemory = (initial, maximum, segments, target, exportName, name = '0', shared = false) => {
      if (segments.length > 0) throw new Error('kernels/wasm has static data: remove it');
      const text = (value) => module.allocStringCached(value);
      const none = [0, 0, 0, 0, 0, 0];
      // Memory that is shared must not be allowed to grow further than the file says: 16 GiB, as far as engines go.
      const most = shared ? 4 * maximum : maximum;
      binaryen._BinaryenSetMemory(module.ref, initial, most, text(exportName), ...none, shared, true, text(name));
    };
  }

  afterCompile(module) {
    const { binaryen } = this;
    const exported = Array.from({ length: module.getNumExports() }, (_, i) =>
      binaryen.getExportInfo(module.getExportByIndex(i)),
    );
    for (const { name, value, kind } of exported) {
      if (kind !== binaryen.ExternalFunction) continue;
      const { params, results } = binaryen.getFunctionInfo(module.getFunction(value));
      const types = binaryen.expandType(params);
      if (results === binaryen.i64) throw new Error(`kernels/wasm: ${name} returns an address`);
      const given = types.map((type) => (type === binaryen.i64 ? binaryen.f64 : type));
      const handed = types.map((type, i) => {
        const local = module.local.get(i, given[i]);
        return type === binaryen.i64 ? module.i64.trunc_u_sat.f64(local) : local;
      });
      const outer = `${name} by numbers`;
      module.addFunction(outer, binaryen.createType(given), results, [], module.call(value, handed, results));
      module.removeExport(name);
      module.addFunctionExport(outer, name);
    }
  }
}

async function compile(files, name, options) {
  const isLarge = name.includes('-large');
  const { main } = await import('assemblyscript/asc');
  const outputs = new Map();
  const { error, stderr } = await main([...options, '--outFile', 'out.wasm'], {
    readFile: (name) => files.get(name) ?? null,
    writeFile: (name, contents) => void outputs.set(name, contents),
    listFiles: () => [],
    ...(isLarge ? { transforms: [LargeAddresses] } : {}),
  });
  if (error) throw new Error(`kernels/wasm does not compile: ${error.message}\n${stderr.toString()}`);
  const bytes = outputs.get('out.wasm');
  // An engine without relaxed SIMD or Memory64 (Node 20) cannot look.
  if (!isLarge && WebAssembly.validate(bytes)) {
    const memory = new WebAssembly.Memory(
      options.includes('--sharedMemory') ? { initial: 1, maximum: 65536, shared: true } : { initial: 1 },
    );
    await WebAssembly.instantiate(bytes, { env: { memory } });
    if (new Uint8Array(memory.buffer).some((byte) => byte !== 0))
      throw new Error('kernels/wasm writes to memory when instantiated: remove the static data');
  }
  return bytes;
}

/** @returns {Promise<Map<string, Uint8Array>>} file name -> bytes */
export async function buildKernels() {
  const { version } = JSON.parse(await readFile(join(root, 'node_modules/assemblyscript/package.json'), 'utf8'));
  const files = await readSources();
  const hash = createHash('sha256')
    .update(JSON.stringify([version, files, builds, LargeAddresses.toString()]))
    .digest('hex')
    .slice(0, 16);
  const folder = join(root, '.cache/kernels', hash);
  await mkdir(folder, { recursive: true });
  const built = new Map();
  for (const [name, options] of Object.entries(builds)) {
    const path = join(folder, name);
    let bytes = await readFile(path).catch((error) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    if (!bytes) {
      bytes = await compile(new Map(files), name, options);
      const draft = `${path}.${randomUUID()}`; // tests build side by side: a file appears whole or not at all
      await writeFile(draft, bytes);
      await rename(draft, path);
    }
    built.set(name, new Uint8Array(bytes));
  }
  return built;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const [name, bytes] of await buildKernels())
    console.log(`${name.padEnd(22)} ${bytes.length} bytes, ${gzipSync(bytes).length} gzip`);
}

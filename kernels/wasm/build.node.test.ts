// What build.mjs makes: eight files, small, over imported memory that they leave alone, with the same exports.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { buildKernels, kernelFiles } from './build.mjs';
import { kernelAssets } from './kernel-assets.js';
import { kernelFile, loadKernels } from './kernels.js';

const built = await buildKernels();

const bytesOf = (name: string): Uint8Array<ArrayBuffer> => {
  const bytes = built.get(name);
  assert.ok(bytes, `${name} was not built`);
  return bytes;
};

test('the files are those that the kit asks for', () => {
  const asked = (['relaxed', 'simd'] as const).flatMap((build) =>
    [false, true].flatMap((shared) => [false, true].map((large) => kernelFile(build, { shared, large }))),
  );
  assert.deepEqual([...built.keys()].sort(), [...asked].sort());
  assert.deepEqual([...kernelFiles].sort(), [...asked].sort());
  assert.deepEqual(Object.keys(kernelAssets).sort(), [...asked].sort());
});

test('all files together stay below 100 kB compressed', () => {
  const total = [...built.values()].reduce((sum, bytes) => sum + gzipSync(bytes).length, 0);
  assert.ok(total < 100_000, `${total} bytes`);
});

test('the SIMD128 files import a memory and nothing else, and leave it as it is', async () => {
  for (const shared of [false, true]) {
    const bytes = bytesOf(kernelFile('simd', { shared, large: false }));
    const imports = WebAssembly.Module.imports(new WebAssembly.Module(bytes));
    assert.deepEqual(imports, [{ module: 'env', name: 'memory', kind: 'memory' }]);
    const memory = new WebAssembly.Memory({ initial: 1, ...(shared ? { maximum: 65536, shared } : {}) });
    await loadKernels(bytes, memory);
    assert.ok(new Uint8Array(memory.buffer).every((byte) => byte === 0));
  }
});

test('a file for shared memory refuses another, and the other way round', async () => {
  const own = new WebAssembly.Memory({ initial: 1 });
  const shared = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
  await assert.rejects(loadKernels(bytesOf('simd-threads.wasm'), own), WebAssembly.LinkError);
  await assert.rejects(loadKernels(bytesOf('simd.wasm'), shared), WebAssembly.LinkError);
});

test('both SIMD128 files export the same functions', () => {
  const exportsOf = (name: string): string[] =>
    WebAssembly.Module.exports(new WebAssembly.Module(bytesOf(name))).map((one) => `${one.kind} ${one.name}`);
  assert.deepEqual(exportsOf('simd-threads.wasm'), exportsOf('simd.wasm'));
  assert.ok(exportsOf('simd.wasm').includes('function matmulQ4'));
});

// Speed of the WebAssembly matrix kernels (kernels/wasm) alone: multiply-adds a second of one thread in headless Chromium,
// for each build, shape and number of tokens (1 is decoding, more are verification and prefill). Matrices are taken in
// turn from more copies than the caches hold, as a model's layers are; --warm keeps to one. Variants are measured in
// turns, each figure is the best of many short repetitions, so that a busy machine falsifies little.
//   npm run bench -- kernels-wasm [--shapes 576x1536,1024x16384] [--tokens 1,4,32] [--warm]
//                                 [--kinds q4,q8,q4-wide,q8-wide,f16,f32]   (wide: 16-bit activations)
//                                 [--files name=path.wasm,...]   (other builds of the module, names begin with their build)

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildKernels } from '../kernels/wasm/build.mjs';
import { openKit } from '../server/kit-browser.mjs';

export const title = 'kernels-wasm: matrix kernels in WebAssembly SIMD, one thread';
export const columns = ['kernel', 'columns', 'rows', 'tokens', 'build', 'GMAC/s', 'GB/s', 'ms'];

/**
 * In the page: measures all builds on one shape and number of tokens, in turns.
 * @returns {Promise<{name: string, seconds: number}[]>} best time of one product
 */
async function measure({ modules, kind, columns, rows, tokens, warm, rounds }) {
  const align = (bytes) => (bytes + 127) & ~63;
  const dense = kind === 'f32' || kind === 'f16';
  const wide = kind.endsWith('-wide');
  const quantBytes = kind.startsWith('q4')
    ? (rows * columns) / 2
    : rows * columns * { q8: 1, 'q8-wide': 1, f16: 2, f32: 4 }[kind];
  const scaleBytes = dense ? 0 : (rows * columns) / 16;
  const copies = warm ? 1 : Math.max(1, Math.ceil(64e6 / quantBytes));
  const sizes = {
    x: tokens * columns * 4,
    panel: tokens * (columns / 32) * 72,
    y: tokens * rows * 4,
    scratch: columns * 9 + 4096,
  };
  const weights = copies * (align(quantBytes) + align(scaleBytes));
  const total = weights + Object.values(sizes).reduce((sum, bytes) => sum + align(bytes), 0) + 65536;
  const memory = new WebAssembly.Memory({ initial: Math.ceil(total / 65536) });
  let next = 64;
  const take = (bytes) => {
    const at = next;
    next += align(bytes);
    return at;
  };
  const at = Object.fromEntries(Object.entries(sizes).map(([name, bytes]) => [name, take(bytes)]));
  const matrices = Array.from({ length: copies }, () => ({ quants: take(quantBytes), scales: take(scaleBytes) }));
  const bytes = new Uint8Array(memory.buffer);
  const words = new Uint32Array(memory.buffer);
  let state = 1;
  for (let i = matrices[0].quants >> 2; i < words.length; i++)
    words[i] = state = Math.imul(state, 1664525) + 1013904223;
  if (dense) bytes.fill(0x3c, matrices[0].quants);
  for (const { scales } of matrices)
    new Uint16Array(memory.buffer, scales, scaleBytes / 2).fill(0x2400).subarray(0, 8).fill(0xa400);
  const x = new Float32Array(memory.buffer, at.x, tokens * columns);
  for (let i = 0; i < x.length; i++) x[i] = Math.sin(i);

  const runs = [];
  for (const { name, base64 } of modules) {
    const code = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const { instance } = await WebAssembly.instantiate(code, { env: { memory } });
    const kernels = instance.exports;
    const product = {
      q4: ({ quants, scales }) =>
        kernels.matmulQ4(at.y, rows, at.panel, tokens, quants, scales, columns, 0, rows, at.scratch),
      q8: ({ quants, scales }) =>
        kernels.matmulQ8(at.y, rows, at.panel, tokens, quants, scales, columns, 0, rows, at.scratch),
      'q4-wide': ({ quants, scales }) =>
        kernels.matmulQ4Wide(at.y, rows, at.panel, tokens, quants, scales, columns, 0, rows, at.scratch),
      'q8-wide': ({ quants, scales }) =>
        kernels.matmulQ8Wide(at.y, rows, at.panel, tokens, quants, scales, columns, 0, rows, at.scratch),
      f32: ({ quants }) => kernels.matmulF32(at.y, rows, at.x, columns, tokens, quants, columns, 0, rows),
      f16: ({ quants }) => kernels.matmulF16(at.y, rows, at.x, columns, tokens, quants, columns, 0, rows),
    }[kind];
    runs.push({ name, product, kernels, best: Infinity, repeat: 1, turn: 0 });
  }
  const once = (run) => {
    run.kernels[wide ? 'quantiseWide' : 'quantiseActivations'](at.x, columns, tokens, columns, at.panel);
    const began = performance.now();
    for (let i = 0; i < run.repeat; i++) run.product(matrices[run.turn++ % copies]);
    return (performance.now() - began) / 1000 / run.repeat;
  };
  for (const run of runs) {
    const until = performance.now() + 80; // long enough for the optimising compiler
    while (performance.now() < until) once(run);
    while (once(run) * run.repeat < 0.001) run.repeat *= 2; // short, so that some run undisturbed
  }
  for (let round = 0; round < rounds; round++) for (const run of runs) run.best = Math.min(run.best, once(run));
  return runs.map(({ name, best }) => ({ name, seconds: best }));
}

/** SmolLM2-135M, Qwen2.5-0.5B, Llama-3.2-1B, and the product with which other engines were measured. */
const usualShapes =
  '576x576,576x1536,1536x576,576x49152,896x4864,4864x896,896x151936,2048x8192,8192x2048,2048x2048,1024x16384';

export async function* run(given) {
  const { values } = parseArgs({
    args: given,
    options: {
      shapes: { type: 'string', default: usualShapes },
      tokens: { type: 'string', default: '1,2,4,8,32,128' },
      kinds: { type: 'string', default: 'q4,q8' },
      files: { type: 'string' },
      rounds: { type: 'string', default: '40' },
      warm: { type: 'boolean', default: false },
    },
  });
  const named = values.files?.split(',').map((file) => file.split('='));
  const entries = named
    ? await Promise.all(named.map(async ([name, path]) => [name, await readFile(path)]))
    : [...(await buildKernels())].filter(([name]) => !/threads|large/.test(name));
  const modules = entries.map(([name, bytes]) => ({
    name: name.replace('.wasm', ''),
    base64: Buffer.from(bytes).toString('base64'),
  }));
  // An isolated page: its clock steps by 5 microseconds instead of 100.
  const root = join(import.meta.dirname, 'lab');
  const kit = await openKit({ root, gpu: 'none', isolate: true, policy: null });
  try {
    const page = await kit.context.newPage();
    await page.goto(`${kit.origin}/index.html`);
    for (const kind of values.kinds.split(',')) {
      for (const shape of values.shapes.split(',')) {
        const [columns, rows] = shape.split('x').map(Number);
        for (const tokens of values.tokens.split(',').map(Number)) {
          const job = { modules, kind, columns, rows, tokens, warm: values.warm, rounds: Number(values.rounds) };
          for (const { name, seconds } of await page.evaluate(measure, job)) {
            const perWeight = { q4: 0.5625, q8: 1.0625, f16: 2, f32: 4 }[kind.replace('-wide', '')];
            yield {
              kernel: kind,
              columns,
              rows,
              tokens,
              build: name,
              'GMAC/s': (rows * columns * tokens) / seconds / 1e9,
              'GB/s': (rows * columns * perWeight) / seconds / 1e9,
              ms: seconds * 1000,
            };
          }
        }
      }
    }
  } finally {
    await kit.close();
  }
}

// The rate of the WebAssembly kernels on this machine, for routing's choice between devices. Called by device-rates.ts.
// What goes wrong: as in compileKernels.

import { loadKernels, matmulScratchBytes, wideRowBytes } from '../../../kernels/wasm/kernels.js';
import { compileKernels, fetchedKernels } from './wasm-kernels.js';

/** The shape of a feed-forward matrix of a model of some hundred million parameters: 1.2 MB, larger than nearest caches. */
const rows = 2048;
const columns = 1024;
const milliseconds = 20;
/** Products between two looks at the clock, which may tick as coarsely as 0.1 ms; one takes about that long. */
const batch = 16;

/**
 * @param kernels folder that holds `kernels/`, absolute
 * @returns billions of multiply-adds a second, q4 by 16-bit activations, one vector, one thread
 */
export async function measureWasm(kernels: string): Promise<number> {
  const { module } = await compileKernels({ source: fetchedKernels(kernels), memory: { shared: false, large: false } });
  const blocks = (rows * columns) / 32;
  const parts = {
    quants: blocks * 16,
    scales: blocks * 2,
    x: columns * 4,
    activations: wideRowBytes(columns),
    y: rows * 4,
    scratch: matmulScratchBytes(columns),
  };
  let end = 1024;
  const at = {} as Record<keyof typeof parts, number>;
  for (const [name, bytes] of Object.entries(parts) as [keyof typeof parts, number][]) {
    at[name] = end;
    end = Math.ceil((end + bytes) / 64) * 64;
  }
  const memory = new WebAssembly.Memory({ initial: Math.ceil(end / 65_536) });
  const run = await loadKernels(module, memory);
  new Float32Array(memory.buffer, at.x, columns).fill(1);
  run.quantiseWide(at.x, columns, 1, columns, at.activations);
  let best = Infinity;
  const began = performance.now();
  for (let now = began; now - began < milliseconds;) {
    for (let i = 0; i < batch; i++) {
      run.matmulQ4Wide(at.y, rows, at.activations, 1, at.quants, at.scales, columns, 0, rows, at.scratch);
    }
    const after = performance.now();
    best = Math.min(best, (after - now) / batch);
    now = after;
  }
  return (rows * columns) / best / 1e6;
}

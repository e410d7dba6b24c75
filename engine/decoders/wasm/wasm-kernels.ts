// Brings the kernels' file that this browser can run: chooses the build, fetches and compiles it. Called by
// wasm-decoder.ts; what the files are is said in kernels/wasm.
// What goes wrong: no WebAssembly SIMD (`wasm-unsupported`), a file that cannot be had (`network`).

import { kernelAssets } from '../../../kernels/wasm/kernel-assets.js';
import {
  type KernelBuild,
  type KernelFile,
  kernelFile,
  type MemoryKind,
  supportedBuild,
} from '../../../kernels/wasm/kernels.js';
import { EngineError } from '../../protocol/errors.js';
import { KitFileError } from '../kit-file.js';

export interface CompiledKernels {
  readonly build: KernelBuild;
  readonly module: WebAssembly.Module;
}

/** Gives a kernel file's bytes; tests and tools that have no server pass their own. */
export type KernelSource = (file: KernelFile) => Promise<BufferSource>;

export interface CompileOptions {
  readonly source: KernelSource;
  /** What the memory will be like. */
  readonly memory: MemoryKind;
  /** Another build than the best one, for tests and measurements. */
  readonly build?: KernelBuild;
}

/** @throws EngineError `wasm-unsupported`, `network` */
export async function compileKernels({ source, memory, build }: CompileOptions): Promise<CompiledKernels> {
  const best = typeof WebAssembly === 'object' ? supportedBuild() : 'none';
  if (best === 'none') {
    throw new EngineError('wasm-unsupported', 'This browser runs no WebAssembly SIMD.', {
      hint: 'Update the browser, or use another one.',
    });
  }
  const chosen = build ?? best;
  const file = kernelFile(chosen, memory);
  const bytes = await source(file);
  try {
    return { build: chosen, module: await WebAssembly.compile(bytes) };
  } catch (error) {
    throw cannotBeHad(file, error); // cut short, or a page of text instead of the file
  }
}

/** @param base folder that holds `kernels/`: absolute, or relative to this page or worker */
export function fetchedKernels(base: string): KernelSource {
  return async (file) => {
    const folder = new URL(base, globalThis.location.href);
    const url = new URL(kernelAssets[file], folder.href.endsWith('/') ? folder : `${folder.href}/`);
    try {
      const response = await fetch(url);
      if (!response.ok) throw new Error(`status ${response.status}`);
      return await response.arrayBuffer();
    } catch (error) {
      throw cannotBeHad(file, error);
    }
  };
}

function cannotBeHad(file: KernelFile, cause: unknown): EngineError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new KitFileError(`The kernel file ${file} could not be fetched (${why}).`, {
    cause,
    hint: 'Check the connection and try again. Site owners: serve the kit’s kernels folder beside its scripts.',
  });
}

// Brings ONNX Runtime Web to this thread, one build a device: the WebGPU build is 27 MB of WebAssembly, the plain one
// 14 MB, and a visitor should fetch only the one that is used. Called by onnx-decoder.ts; knows nothing of models.
// Each build is one global machine with one memory: it runs one thing at a time (its WebGPU build unwinds its stack while
// it waits, and a second call in that time corrupts it), so everyone goes through `exclusive`.
// What goes wrong: no WebAssembly SIMD (`wasm-unsupported`); files that cannot be had (`network`, asked for first, because
// a build that failed to start once can never be started again on this thread); failures of a run (`asEngineError`).

import type * as OrtModule from 'onnxruntime-web';
import type { InferenceSession, Tensor } from 'onnxruntime-web';
import { EngineError } from '../../protocol/errors.js';
import type { DecoderDevice } from '../decoder.js';
import { KitFileError } from '../kit-file.js';
import { ortAssets } from './ort-assets.js';

/** The parts of ONNX Runtime Web used here, bound to one build. */
export interface OrtRuntime {
  readonly device: DecoderDevice;
  /** Threads that the plain build computes with. */
  readonly threads: number;
  readonly InferenceSession: typeof InferenceSession;
  readonly Tensor: typeof Tensor;
  /** Runs `work` when everything handed in before has settled. */
  exclusive<T>(work: () => Promise<T>): Promise<T>;
}

export interface OrtRuntimeOptions {
  /** Folder that holds ONNX Runtime's WebAssembly files (see ort-assets.ts), relative to this script's page or worker. */
  readonly assetBase: string;
  /** Threads for the plain build; only the first decoder of a thread decides. */
  readonly threads?: number;
}

const runtimes = new Map<DecoderDevice, Promise<OrtRuntime>>();

/** The first call on a thread decides where files come from; a failed call may be repeated. */
export async function loadOrt(device: DecoderDevice, options: OrtRuntimeOptions): Promise<OrtRuntime> {
  if (!simdSupported()) {
    throw new EngineError('wasm-unsupported', 'This browser runs no WebAssembly SIMD.', {
      hint: 'Update the browser, or use another one.',
    });
  }
  let runtime = runtimes.get(device);
  if (runtime === undefined) {
    runtime = start(device, options);
    runtimes.set(device, runtime);
    runtime.catch(() => runtimes.delete(device));
  }
  return runtime;
}

async function start(device: DecoderDevice, options: OrtRuntimeOptions): Promise<OrtRuntime> {
  const base = new URL(options.assetBase, globalThis.location.href);
  const wasm = new URL(ortAssets[device], base.href.endsWith('/') ? base : `${base.href}/`).href;
  await probe(wasm);
  const ort = await importBuild(device);
  const threads = device === 'webgpu' ? 1 : (options.threads ?? defaultThreads());
  ort.env.wasm.wasmPaths = { wasm };
  ort.env.wasm.numThreads = threads;
  ort.env.logLevel = 'error';
  let last: Promise<unknown> = Promise.resolve();
  return {
    device,
    threads,
    InferenceSession: ort.InferenceSession,
    Tensor: ort.Tensor,
    exclusive(work) {
      const result = last.then(work);
      last = result.catch(() => undefined); // the failure is `result`'s; the next in line is not concerned
      return result;
    },
  };
}

async function importBuild(device: DecoderDevice): Promise<typeof OrtModule> {
  try {
    // Literal specifiers, so that a bundler makes one chunk of each build.
    return await (device === 'webgpu' ? import('onnxruntime-web/webgpu') : import('onnxruntime-web/wasm'));
  } catch (error) {
    throw assetError(`ONNX Runtime's ${device} loader`, error);
  }
}

/** Asks for the file and stops at the headers: what is missing or unreachable now can still be tried again later. */
async function probe(url: string): Promise<void> {
  const name = `ONNX Runtime's file ${new URL(url).pathname.split('/').at(-1) ?? url}`;
  let response: Response;
  try {
    response = await fetch(url);
  } catch (error) {
    throw assetError(name, error);
  }
  await response.body?.cancel();
  if (!response.ok) throw assetError(name, new Error(`status ${response.status}`));
}

function assetError(what: string, cause: unknown): EngineError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new KitFileError(`${what} could not be fetched (${why}).`, {
    cause,
    hint: 'Check the connection and try again. Site owners: serve the kit’s ort folder beside its scripts.',
  });
}

/** WebAssembly threads need shared memory and workers: neither is to be had in a SharedWorker. */
function defaultThreads(): number {
  const canThread = globalThis.crossOriginIsolated && typeof Worker === 'function';
  return canThread ? Math.min(4, Math.max(1, navigator.hardwareConcurrency)) : 1;
}

// The smallest module with a SIMD instruction: (module (func (drop (i8x16.splat (i32.const 0))))).
const simdModule = Uint8Array.of(
  0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 9, 1, 7, 0, 65, 0, 253, 15, 26, 11,
); // prettier-ignore

function simdSupported(): boolean {
  return typeof WebAssembly === 'object' && WebAssembly.validate(simdModule);
}

/** Says what ONNX Runtime's failure means for a visitor. @param doing completes "while ..." */
export function asEngineError(thrown: unknown, doing: string): EngineError {
  if (thrown instanceof EngineError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (/no available backend found/i.test(message)) {
    return new EngineError('network', `ONNX Runtime could not be started (${message}).`, {
      cause: thrown,
      hint: 'Check the connection, close all tabs of this site and open it again.',
    });
  }
  // Its C++ exceptions arrive as bare numbers where their text is compiled out; what throws there in practice is `new`.
  const memory = /bad_alloc|out of memory|allocat|Array buffer/i.test(message);
  if (memory || thrown instanceof RangeError || typeof thrown === 'number') {
    return new EngineError('out-of-memory', `Memory ran out while ${doing} (${message}).`, {
      cause: thrown,
      hint: 'Close other tabs, start a new chat, or choose a smaller model.',
    });
  }
  return new EngineError('internal', `ONNX Runtime failed while ${doing}: ${message}`, {
    cause: thrown,
    hint: 'Please report this with the text above. The next request may work.',
  });
}

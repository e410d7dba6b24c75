// How fast each device computes what decoding mostly is: the product of a 4-bit matrix and a vector. Called by the host
// where both devices are there, once in its life; routing decides by it.
// A short measurement on a matrix of a small model's size, the best of several runs, so that a busy moment does not count.
// What goes wrong: as in opening a decoder on that device (`webgpu-unavailable`, `device-lost`, `network`, ...).

import { measureWasm } from './wasm/measure.js';
import { measureWebGpu } from './webgpu/measure.js';

/** Billions of multiply-adds a second, one 4-bit matrix-vector product at a time; WebAssembly on one thread. */
export interface DeviceRates {
  readonly webgpu: number;
  readonly wasm: number;
}

/** Of the one device that is there. @param kernels folder that holds `kernels/`, absolute */
export const measureRate = (device: 'webgpu' | 'wasm', kernels: string): Promise<number> =>
  device === 'webgpu' ? measureWebGpu() : measureWasm(kernels);

/** @param kernels folder that holds `kernels/`, absolute */
export async function measureRates(kernels: string): Promise<DeviceRates> {
  // One after the other: software WebGPU computes on the same processor.
  const wasm = await measureWasm(kernels);
  return { wasm, webgpu: await measureWebGpu() };
}

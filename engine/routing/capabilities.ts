// What this browser can compute with, by feature detection only, never by the user agent's name. Called by the ladder
// through the host, once for each load. Probing must not throw: what cannot be had is an answer with its reason.
// Where both devices are there, a short measurement tells which one is faster: a software adapter, or a weak graphics
// chip beside a strong processor, loses to WebAssembly, whatever it calls itself. A driver that does not answer in time counts
// as none: loads of all tabs wait for each other, and one must not wait for ever.

import type { DeviceRates } from '../decoders/device-rates.js';

export type WebGpuCapability =
  { readonly available: true; readonly name: string } | { readonly available: false; readonly reason: string };

export interface Capabilities {
  readonly webgpu: WebGpuCapability;
  readonly wasmSimd: boolean;
  /** Null where nothing was measured: one device is missing, the choice is not ours, or the measurement failed. */
  readonly rates: DeviceRates | null;
}

/**
 * A module with one function that uses a SIMD instruction, (module (func (result v128) i32.const 0 i8x16.splat
 * i8x16.popcnt)), in the binary format of the WebAssembly core specification, 5.5; only valid where SIMD is.
 */
const simdModule = new Uint8Array([
  0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, // magic, version 1
  0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7b, // types: () -> v128
  0x03, 0x02, 0x01, 0x00, // functions: one, of type 0
  0x0a, 0x0a, 0x01, 0x08, 0x00, 0x41, 0x00, 0xfd, 0x0f, 0xfd, 0x62, 0x0b, // code
]); // prettier-ignore

export interface ProbeEnvironment {
  readonly gpu: GPU | undefined;
  readonly validate: (bytes: Uint8Array<ArrayBuffer>) => boolean;
  /** Milliseconds that the graphics card may take to answer, and to be measured. */
  readonly patience: number;
}

/** Measures both devices (decoders/device-rates.ts); absent: nothing is measured. */
export type MeasureRates = () => Promise<DeviceRates>;

/** A content security policy without 'wasm-unsafe-eval' lets WebAssembly be validated, but not compiled. */
function compiles(bytes: Uint8Array<ArrayBuffer>): boolean {
  try {
    return typeof WebAssembly === 'object' && new WebAssembly.Module(bytes) instanceof WebAssembly.Module;
  } catch (error) {
    void error; // too old, or forbidden: the ladder says both
    return false;
  }
}

const here = (): ProbeEnvironment => ({
  gpu: (globalThis.navigator as Navigator | undefined)?.gpu,
  validate: compiles,
  patience: 10_000, // a card that sleeps and a driver that compiles the first shader of its life take two or three seconds
});

/**
 * @param measure called where both devices are there
 * @param environment passed in by tests
 */
export async function probeCapabilities(
  measure?: MeasureRates,
  environment: ProbeEnvironment = here(),
): Promise<Capabilities> {
  const { patience } = environment;
  const webgpu = await within(patience, probeWebGpu(environment.gpu), noAnswer(patience));
  const wasmSimd = environment.validate(simdModule);
  if (!webgpu.available || !wasmSimd || measure === undefined) return { webgpu, wasmSimd, rates: null };
  // A device that fails while it is measured fails again, and visibly, when the ladder tries it.
  const measured = measure().then(
    (rates) => ({ webgpu, wasmSimd, rates }),
    () => ({ webgpu, wasmSimd, rates: null }),
  );
  return within(patience, measured, { webgpu: noAnswer(patience), wasmSimd, rates: null });
}

const noAnswer = (patience: number): WebGpuCapability => ({
  available: false,
  reason: `the graphics card did not answer within ${patience / 1000} seconds`,
});

/** The outcome of `work`, or `otherwise` when that takes longer. */
async function within<T, U>(milliseconds: number, work: Promise<T>, otherwise: U): Promise<T | U> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<U>((resolve) => (timer = setTimeout(() => resolve(otherwise), milliseconds)));
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function probeWebGpu(gpu: GPU | undefined): Promise<WebGpuCapability> {
  if (!gpu) return { available: false, reason: 'this browser has no WebGPU' };
  try {
    const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
    if (!adapter) return { available: false, reason: 'this browser found no graphics device that it may use' };
    const { vendor, architecture, description } = adapter.info;
    return { available: true, name: [architecture || description, vendor].filter(Boolean).join(', ') };
  } catch (error) {
    return { available: false, reason: `WebGPU failed: ${error instanceof Error ? error.message : String(error)}` };
  }
}

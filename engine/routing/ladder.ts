// The ladder WebGPU -> WebAssembly -> cloud: which rungs a model may be tried on, in which order, and why. Pure
// decisions; ModelSlot (host/) climbs. The site's setting pins a device: then no other device is tried. The cloud is
// a rung only where the site set an endpoint and the visitor's switch is on, and always the last one.

import { KitFileError } from '../decoders/kit-file.js';
import { EngineError, type EngineErrorCode } from '../protocol/errors.js';
import type { Capabilities } from './capabilities.js';

export type Rung = 'webgpu' | 'wasm' | 'cloud';
export type DeviceSetting = 'auto' | 'webgpu' | 'wasm';

export interface LadderPlan {
  readonly rungs: readonly Rung[];
  /** Plain words on why the order is not the usual one; empty when it is. */
  readonly notes: readonly string[];
}

/**
 * @param cloud an endpoint is set and the visitor allows it
 * @throws EngineError `webgpu-unavailable` or `wasm-unsupported` when not one rung is left
 */
export function planLadder(capabilities: Capabilities, device: DeviceSetting, cloud: boolean): LadderPlan {
  const { webgpu, wasmSimd, rates } = capabilities;
  const rungs: Rung[] = [];
  const notes: string[] = [];
  if (device !== 'wasm' && webgpu.available) rungs.push('webgpu');
  if (device !== 'webgpu' && wasmSimd) rungs.push('wasm');
  if (rungs.length === 2 && webgpu.available && rates !== null && rates.webgpu < rates.wasm) {
    rungs.reverse();
    const measured = `${rates.webgpu.toPrecision(2)} against ${rates.wasm.toPrecision(2)} billion products a second`;
    notes.push(`WebGPU (${webgpu.name}) was measured slower than WebAssembly here (${measured}): WebAssembly is used.`);
  } else if (device === 'auto' && !webgpu.available && wasmSimd) {
    notes.push(`The model runs on the processor: ${webgpu.reason}.`);
  }
  if (cloud) {
    if (rungs.length === 0) notes.push('No model can run on this device: the cloud answers, as you allowed.');
    rungs.push('cloud');
  }
  if (rungs.length > 0) return { rungs, notes };
  if (device === 'webgpu') {
    const reason = webgpu.available ? 'unknown' : webgpu.reason;
    throw new EngineError('webgpu-unavailable', `WebGPU was asked for, but ${reason}.`, {
      hint: "Use a browser with WebGPU (a recent Chrome, Edge or Safari), or let the kit choose (device 'auto').",
    });
  }
  const gpu = device === 'auto' && !webgpu.available ? `, and ${webgpu.reason}` : '';
  throw new EngineError('wasm-unsupported', `This browser runs no WebAssembly SIMD here${gpu}.`, {
    hint: "Update the browser: Chrome 91, Firefox 89, Safari 16.4 and later have it. Site owners: engine-worker.js needs 'wasm-unsafe-eval' in its content security policy.",
  });
}

const deviceFailures: ReadonlySet<EngineErrorCode> = new Set([
  'webgpu-unavailable',
  'wasm-unsupported',
  'device-lost',
  'helper-lost',
  'out-of-memory',
  'model-too-large', // for this device
  'internal',
]);

/**
 * Whether another rung can help: the device failed, not the model, the request or the network. (`internal` counts,
 * because a defect on one device is often none on the other; so does a file of the kit that only this device needs.)
 */
export const isDeviceFailure = (error: EngineError): boolean =>
  deviceFailures.has(error.code) || error instanceof KitFileError;

const rungNames: Record<Rung, string> = { webgpu: 'WebGPU', wasm: 'WebAssembly', cloud: 'the cloud' };

/** The note for people when one rung gives way to the next. */
export function stepDownNote(from: Rung, to: Rung, error: EngineError): string {
  if (from === to) {
    const goes = error.code === 'helper-lost' ? 'goes on without it' : `is loaded again on ${rungNames[to]}`;
    return `${error.message} The model ${goes}.`;
  }
  const end = to === 'cloud' ? 'the cloud continues, as you allowed.' : `the model continues on ${rungNames[to]}.`;
  return `${rungNames[from]} failed (${error.message}): ${end}`;
}

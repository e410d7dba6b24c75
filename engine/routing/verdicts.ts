// How a model of the catalogue would do on this device, told before anybody downloads it. Pure; called by host/verdicts.ts.
// Speed: decoding reads each weight once a token, so a token takes about `parameters` multiply-adds at the measured rate
// of 4-bit products (decoders/device-rates.ts), and somewhat more for attention and what lies between the products.
// Memory: the browser tells a rounded, capped figure of the device (https://www.w3.org/TR/device-memory/) and nothing of
// the graphics card; a page gets a part of it. What is not known speaks against no model: then the tier is `unknown`, or
// rests on what is known. It is a guess that says so; the ladder decides when a model is loaded.

import type { ModelListing, ModelVerdict } from '../protocol/state.js';

/** What is known of this device. */
export interface Abilities {
  readonly webgpu: boolean;
  readonly wasmSimd: boolean;
  /** Billions of multiply-adds a second, one 4-bit matrix-vector product at a time; null where it was not measured. */
  readonly rates: { readonly webgpu: number | null; readonly wasm: number | null };
  /** Those of WebAssembly, for models that are worth sharing; 1 for none but the engine's own. */
  readonly threads: number;
  /** Of the device, as far as the browser says. */
  readonly memoryBytes: number | null;
}

/** Faster than people read: 4 words a second (Brysbaert 2019: 238 words a minute), 0.75 words a token. */
const readingSpeed = 5.3;

/** Share of the measured rate that is left for decoding whole tokens. */
const share = 0.6;

/** Share of the device's memory that a page may count on. */
const pageShare = 0.5;

/** Models below this many bytes are computed by one thread (decoders/wasm/thread-pool.ts). */
const threadsFromBytes = 16 * 2 ** 20;

/** What a further thread adds: memory is shared, and threads wait for each other. */
const furtherThread = 0.7;

/** Bytes beyond which WebAssembly's 32-bit memory has no room for the weights. */
const wasmLimit = 3.5e9;

export function judge(listing: ModelListing, abilities: Abilities): ModelVerdict {
  const { id: modelId, byteLength, parameters } = listing;
  const { webgpu, wasmSimd, rates, memoryBytes } = abilities;
  const without = (tier: ModelVerdict['tier']): ModelVerdict => ({
    modelId,
    tier,
    device: null,
    tokensPerSecond: null,
  });
  if (!webgpu && !wasmSimd) return without('no-device');
  if (memoryBytes !== null && byteLength > memoryBytes * pageShare) return without('too-large');
  const wasm = wasmSimd && byteLength <= wasmLimit;
  if (!webgpu && !wasm) return without('too-large');
  // The ladder compares one thread with the card, and so does this.
  const wasmFaster = wasm && rates.webgpu !== null && rates.wasm !== null && rates.webgpu < rates.wasm;
  const device = webgpu && !wasmFaster ? 'webgpu' : 'wasm';
  const helped = device === 'wasm' && byteLength >= threadsFromBytes ? 1 + furtherThread * (abilities.threads - 1) : 1;
  const rate = rates[device] === null ? null : rates[device] * helped;
  if (rate === null || parameters === 0) return { ...without('unknown'), device };
  const tokensPerSecond = (rate * 1e9 * share) / parameters;
  return { modelId, tier: tokensPerSecond >= readingSpeed ? 'well' : 'slow', device, tokensPerSecond };
}

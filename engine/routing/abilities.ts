// What this device can do, measured, for judging models before they are loaded (verdicts.ts). Called by the engine's entry
// through the host, when somebody asks for verdicts. Unlike the ladder's probe it measures also where only one device is
// there. What goes wrong: a measurement that fails leaves its rate unknown; a driver that hangs counts as none.

import { probeCapabilities, type MeasureRates } from './capabilities.js';
import type { Abilities } from './verdicts.js';

export interface AbilityParts {
  /** Both devices, one after the other. */
  readonly both: MeasureRates;
  /** The one that is there. */
  readonly webgpu: () => Promise<number>;
  readonly wasm: () => Promise<number>;
  /** Threads that a tab can lend; 1 for none. */
  readonly threads: () => number;
  readonly probe?: typeof probeCapabilities;
}

/** Milliseconds that a single measurement may take. */
const patience = 10_000;

/** Browsers tell no more than this (Device Memory API, section 4): a device that says 8 may have any more. */
const mostTold = 8;

export async function probeAbilities({ both, webgpu, wasm, threads, probe = probeCapabilities }: AbilityParts) {
  const capabilities = await probe(both);
  const rates = capabilities.rates ?? {
    webgpu: capabilities.webgpu.available ? await measured(webgpu) : null,
    wasm: capabilities.wasmSimd ? await measured(wasm) : null,
  };
  const abilities: Abilities = {
    webgpu: capabilities.webgpu.available,
    wasmSimd: capabilities.wasmSimd,
    rates,
    threads: threads(),
    memoryBytes: deviceMemory(),
  };
  return abilities;
}

async function measured(measure: () => Promise<number>): Promise<number | null> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<null>((resolve) => (timer = setTimeout(() => resolve(null), patience)));
  try {
    return await Promise.race([measure().catch(() => null), late]); // a verdict without a rate says that it has none
  } finally {
    clearTimeout(timer);
  }
}

/** https://www.w3.org/TR/device-memory/ ; absent in Firefox and Safari. */
function deviceMemory(): number | null {
  const { deviceMemory: gibibytes } = (globalThis.navigator ?? {}) as { readonly deviceMemory?: number };
  return gibibytes === undefined || gibibytes >= mostTold ? null : gibibytes * 2 ** 30;
}

// A rough estimate of the energy that answers took: seconds in which something was computed, times the power that such a
// device usually draws under such work. A browser tells no page what the device really draws, so this is right to a
// factor of three at best, and is called an estimate wherever it is shown. Called by answer-meter.ts.
// Sources of the figures: the power classes in which laptops' and phones' chips are sold (graphics beside or in the
// processor: 10 to 30 W under full load; processor cores: some 4 W each, of which decoding keeps two or three busy).

/** Watts beyond idling. The cloud's are somebody else's: 0. */
export const usualWatts: Readonly<Record<'webgpu' | 'wasm' | 'cloud', number>> = { webgpu: 15, wasm: 10, cloud: 0 };

// Judging models before they are loaded: speeds from measured rates, sizes from what the device says, and nothing claimed
// that is not known.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { ModelListing } from '../protocol/state.js';
import { probeAbilities } from './abilities.js';
import { judge, type Abilities } from './verdicts.js';

const listing = (facts: Partial<ModelListing>): ModelListing => ({
  id: 'm',
  name: 'M',
  description: '',
  url: 'https://site.example/m/',
  byteLength: 300e6,
  licence: 'MIT',
  contextLength: 1024,
  quantisation: 'q4',
  parameters: 500e6,
  languages: [],
  ...facts,
});

const laptop: Abilities = {
  webgpu: true,
  wasmSimd: true,
  rates: { webgpu: 60, wasm: 6 },
  threads: 1,
  memoryBytes: 4 * 2 ** 30,
};
const processor: Abilities = { ...laptop, webgpu: false, rates: { webgpu: null, wasm: 6 } };

describe('judge', () => {
  test('runs well where it writes faster than people read, else slow, with the speed', () => {
    assert.deepEqual(judge(listing({}), laptop), {
      modelId: 'm',
      tier: 'well',
      device: 'webgpu',
      tokensPerSecond: 72,
    });
    const slow = judge(listing({ parameters: 1.5e9, byteLength: 900e6 }), processor);
    assert.deepEqual([slow.tier, slow.device, Math.round(10 * (slow.tokensPerSecond ?? 0))], ['slow', 'wasm', 24]);
  });

  test('threads that a tab lends count for models that are worth sharing', () => {
    const shared = judge(listing({ parameters: 1.5e9, byteLength: 900e6 }), { ...processor, threads: 4 });
    assert.equal(shared.tier, 'well');
    const small = listing({ parameters: 5e6, byteLength: 3e6 });
    assert.equal(judge(small, { ...processor, threads: 4 }).tokensPerSecond, judge(small, processor).tokensPerSecond);
  });

  test('takes the device that was measured faster, as the ladder does', () => {
    const weak = { ...laptop, rates: { webgpu: 1, wasm: 6 } };
    assert.equal(judge(listing({}), weak).device, 'wasm');
    assert.equal(
      judge(listing({ byteLength: 4e9 }), { ...weak, memoryBytes: null }).device,
      'webgpu',
      'no room in 4 GB',
    );
  });

  test('is too large for the memory, or for what WebAssembly can address', () => {
    assert.equal(judge(listing({ byteLength: 3e9 }), laptop).tier, 'too-large');
    assert.equal(judge(listing({ byteLength: 3.6e9 }), { ...processor, memoryBytes: null }).tier, 'too-large');
  });

  test('claims nothing that is not known', () => {
    assert.equal(judge(listing({ parameters: 0 }), laptop).tier, 'unknown');
    assert.equal(judge(listing({}), { ...laptop, rates: { webgpu: null, wasm: null } }).tier, 'unknown');
    assert.equal(judge(listing({}), { ...processor, wasmSimd: false }).tier, 'no-device');
  });

  test('property: a speed is told exactly with "well" and "slow", and more parameters are never faster', () => {
    const abilities = fc.record({
      webgpu: fc.boolean(),
      wasmSimd: fc.boolean(),
      rates: fc.record({
        webgpu: fc.option(fc.double({ min: 0.01, max: 1000, noNaN: true })),
        wasm: fc.option(fc.double({ min: 0.01, max: 100, noNaN: true })),
      }),
      threads: fc.integer({ min: 1, max: 16 }),
      memoryBytes: fc.option(fc.integer({ min: 1, max: 2 ** 40 })),
    });
    fc.assert(
      fc.property(abilities, fc.nat(1e10), fc.nat(1e10), (here, byteLength, parameters) => {
        const verdict = judge(listing({ byteLength, parameters }), here);
        assert.equal(verdict.tokensPerSecond !== null, verdict.tier === 'well' || verdict.tier === 'slow');
        const heavier = judge(listing({ byteLength, parameters: parameters * 2 }), here);
        assert.ok((heavier.tokensPerSecond ?? 0) <= (verdict.tokensPerSecond ?? 0));
      }),
    );
  });
});

describe('probeAbilities', () => {
  const single = { webgpu: async () => 50, wasm: async () => 5, threads: () => 2 };
  const both = async () => ({ webgpu: 50, wasm: 5 });

  test('measures the one device that is there', async () => {
    const abilities = await probeAbilities({
      both,
      ...single,
      probe: async () => ({ webgpu: { available: false, reason: 'none' }, wasmSimd: true, rates: null }),
    });
    assert.deepEqual(abilities.rates, { webgpu: null, wasm: 5 });
    assert.equal(abilities.threads, 2);
  });

  test('a measurement that fails leaves its rate unknown', async () => {
    const abilities = await probeAbilities({
      both,
      ...single,
      wasm: () => Promise.reject(new Error('no')),
      probe: async () => ({ webgpu: { available: false, reason: 'none' }, wasmSimd: true, rates: null }),
    });
    assert.deepEqual(abilities.rates, { webgpu: null, wasm: null });
  });
});

// The measurement that routing decides by, on real devices: software WebGPU must lose to WebAssembly, by far.

import { expect } from '@esm-bundle/chai';
import { measureRates } from './device-rates.js';

it('measures both devices in less than a second or two, and finds software WebGPU slower', async function () {
  this.timeout(30_000);
  const { webgpu, wasm } = await measureRates(new URL('/', location.href).href);
  expect(webgpu).to.be.greaterThan(0.001);
  expect(wasm).to.be.greaterThan(webgpu);
});

// Which adapters are good enough, without a browser: the adapter is played by the test.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EngineError } from '../protocol/errors.js';
import { GpuWatch, requestGpuDevice } from './gpu.js';

const failure = async (gpu: Pick<GPU, 'requestAdapter'>): Promise<EngineError> => {
  try {
    await requestGpuDevice({ gpu });
  } catch (error) {
    assert.ok(error instanceof EngineError);
    return error;
  }
  return assert.fail('a device was opened');
};

describe('a WebGPU device', () => {
  it('is refused by name where only the compatibility mode is offered', async () => {
    const info = { vendor: 'acme', architecture: 'old' } as GPUAdapterInfo;
    const { code, message, hint } = await failure({
      requestAdapter: (options) =>
        Promise.resolve(options?.featureLevel === 'compatibility' ? ({ info } as GPUAdapter) : null),
    });
    assert.equal(code, 'webgpu-unavailable');
    assert.match(message, /acme old.*compatibility mode only.*not enough/);
    assert.match(hint, /without the graphics card/);
  });

  it('is refused where there is no adapter, and where asking for one fails', async () => {
    const none = await failure({ requestAdapter: () => Promise.resolve(null) });
    assert.deepEqual([none.code, none.message], ['webgpu-unavailable', 'No graphics card answers to WebGPU.']);
    const broken = await failure({ requestAdapter: () => Promise.reject(new Error('driver')) });
    assert.equal(broken.code, 'webgpu-unavailable');
    assert.equal((broken.cause as Error).message, 'driver');
  });

  it('gets subgroups only where the smallest is large enough for who asks', async () => {
    const asked: GPUFeatureName[][] = [];
    const adapter = {
      features: new Set(['subgroups', 'timestamp-query']),
      info: { subgroupMinSize: 4 },
      limits: {},
      requestDevice: ({ requiredFeatures }: GPUDeviceDescriptor) => {
        asked.push([...(requiredFeatures ?? [])] as GPUFeatureName[]);
        return Promise.resolve({} as GPUDevice);
      },
    } as unknown as GPUAdapter;
    const gpu = { requestAdapter: () => Promise.resolve(adapter) };
    await requestGpuDevice({ gpu });
    await requestGpuDevice({ gpu, smallestSubgroup: 8 });
    assert.deepEqual(asked, [['timestamp-query', 'subgroups'], ['timestamp-query']]);
  });
});

describe('what a lost device makes fail', () => {
  const played = () => {
    let lose: (info: GPUDeviceLostInfo) => void = () => undefined;
    const lost = new Promise<GPUDeviceLostInfo>((resolve) => (lose = resolve));
    const events = new EventTarget();
    const device = Object.assign(events, { lost }) as unknown as GPUDevice;
    return {
      watch: new GpuWatch(device),
      lose: () => lose({ message: 'hung', reason: 'unknown' } as GPUDeviceLostInfo),
    };
  };
  const unmapped = (): Promise<never> => Promise.reject(new DOMException('the buffer was unmapped', 'AbortError'));

  it('is told as the loss, though the browser says so a little later', async () => {
    const { watch, lose } = played();
    setTimeout(lose, 20);
    await assert.rejects(watch.guard(unmapped), { code: 'device-lost', message: /hung/ });
  });

  it('is told as it is when nothing was lost, or nobody watches any more', async () => {
    const { watch } = played();
    await assert.rejects(watch.guard(unmapped), { name: 'AbortError' });
    const began = performance.now();
    watch.close();
    await assert.rejects(watch.guard(unmapped), { name: 'AbortError' });
    assert.ok(performance.now() - began < 200);
  });
});

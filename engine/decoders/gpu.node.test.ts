// Which adapters are good enough, without a browser: the adapter is played by the test.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EngineError } from '../protocol/errors.js';
import { requestGpuDevice } from './gpu.js';

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

// The autotuner: what it measures, remembers and mistrusts; and that its choices change no result beyond rounding.

import { expect } from '@esm-bundle/chai';
import { fixtureModel, fixtures, type DecoderFixture, errorAgainst } from '../../../test/fixtures/fixture-models.js';
import { requestGpuDevice } from '../gpu.js';
import type { TuningStore } from './tuning.js';
import { indexedDbTuningStore } from './tuning-store.js';
import { createWebGpuDecoder } from './webgpu-decoder.js';

class MapStore implements TuningStore {
  readonly records = new Map<string, unknown>();
  written = 0;
  get(key: string): Promise<unknown> {
    return Promise.resolve(this.records.get(key));
  }
  set(key: string, value: unknown): Promise<void> {
    this.written += 1;
    this.records.set(key, structuredClone(value));
    return Promise.resolve();
  }
}

describe('the autotuner', function () {
  this.timeout(120_000);
  let gpuDevice: GPUDevice;
  let fixture: DecoderFixture;

  before(async () => {
    gpuDevice = await requestGpuDevice();
    const found = (await fixtures()).find(({ name }) => name === 'llama-gqa');
    if (found === undefined) throw new Error('no fixture');
    fixture = found;
  });

  after(() => gpuDevice.destroy());

  const error = async (tuning: TuningStore): Promise<number> => {
    const decoder = await createWebGpuDecoder({ model: fixtureModel(fixture), gpuDevice, tuning, tuneSoftware: true });
    try {
      return errorAgainst({ logits: fixture.logits.slice(0, 4) }, await decoder.logits(fixture.tokens.slice(0, 4)));
    } finally {
      await decoder.dispose();
    }
  };

  it('measures every product once, and never again while its store remembers', async () => {
    const store = new MapStore();
    expect(await error(store)).to.be.lessThan(1e-8);
    const [[key, record] = ['', {}]] = [...store.records];
    expect(key).to.match(/^webgpu shapes \d+ google\//);
    // Query/key/value, attention's output, gate and up, down, the head.
    expect(Object.keys(record as object)).to.have.length(5);
    const [shape] = Object.values(record as object) as unknown[];
    expect(shape).to.have.keys('workgroupSize', 'threads', 'results', 'staged');
    expect(await error(store)).to.be.lessThan(1e-8);
    expect(store.written, 'times written').to.equal(1);
  });

  it('uses what it remembers, and measures again what makes no sense', async () => {
    const store = new MapStore();
    await error(store);
    const [key = ''] = store.records.keys();
    const record = store.records.get(key) as Record<string, unknown>;
    const [first = '', second = '', third = ''] = Object.keys(record);
    store.records.set(key, {
      ...record,
      [first]: { workgroupSize: 1e9, threads: 3, results: -1, staged: true },
      [second]: 'large',
      [third]: { workgroupSize: 16, threads: 1, results: 2, staged: false },
      'another model': { workgroupSize: 64, threads: 1, results: 1, staged: false },
    });
    expect(await error(store)).to.be.lessThan(1e-8);
    const after = store.records.get(key) as Record<string, { workgroupSize: number; results: number }>;
    expect(after[first]?.workgroupSize).to.be.at.most(256);
    expect(after[second]).to.be.an('object');
    expect(after[third]?.results, 'a shape that makes sense').to.equal(2);
    expect(after['another model'], 'of another model').to.be.an('object');
  });

  it('needs no store that works', async () => {
    const broken: TuningStore = {
      get: () => Promise.reject(new Error('forbidden')),
      set: () => Promise.reject(new Error('full')),
    };
    expect(await error(broken)).to.be.lessThan(1e-8);
  });

  it('remembers in IndexedDB', async () => {
    const store = indexedDbTuningStore();
    expect(await store.get('nothing')).to.equal(undefined);
    await store.set('a device', { shape: 1 });
    expect(await indexedDbTuningStore().get('a device')).to.deep.equal({ shape: 1 });
  });
});

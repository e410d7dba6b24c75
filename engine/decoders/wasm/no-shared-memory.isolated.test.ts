// The WebAssembly decoder in a cross-origin isolated page that cannot share memory all the same: one thread computes, the
// decoder says so, and no worker stays behind.

import { expect } from '@esm-bundle/chai';
import { type DecoderFixture, fixtureModel, fixtures } from '../../../test/fixtures/fixture-models.js';
import type { Model } from '../../weights/model.js';
import type { Decoder } from '../decoder.js';
import { startThreads } from './thread-pool.js';
import { createWasmDecoder, type WasmDecoderOptions } from './wasm-decoder.js';

const script = new URL('/test/fixtures/wasm-helper.ts', location.href);
const newWorker = (): Worker => new Worker(script, { type: 'module' });

const open = (model: Model, count: number, options: Partial<WasmDecoderOptions> = {}): Promise<Decoder> =>
  createWasmDecoder({
    model,
    kernels: '/',
    threads: { pool: startThreads, count, fromBytes: 0, start: newWorker },
    ...options,
  });

const bits = (values: Float32Array): number[] => [...new Uint32Array(values.slice().buffer)];

describe('one thread computes, says so and holds no worker, in an isolated page', () => {
  const put = (of: object, name: string, value: unknown): (() => void) => {
    const before = Object.getOwnPropertyDescriptor(of, name) as PropertyDescriptor;
    Object.defineProperty(of, name, { ...before, value });
    return () => Object.defineProperty(of, name, before);
  };
  const { Memory } = WebAssembly;
  class OwnMemory extends Memory {
    constructor(wanted: WebAssembly.MemoryDescriptor) {
      if (wanted.shared === true) throw new RangeError('no shared memory');
      super(wanted);
    }
  }
  const cases: [string, () => () => void][] = [
    ['without SharedArrayBuffer', () => put(globalThis, 'SharedArrayBuffer', undefined)],
    ['whose memory cannot be shared', () => put(WebAssembly, 'Memory', OwnMemory)],
    [
      'whose memory cannot be handed to a worker',
      () => {
        const { postMessage } = Worker.prototype;
        return put(Worker.prototype, 'postMessage', function (this: Worker, message: unknown) {
          if (typeof message === 'object') throw new DOMException('no shared memory', 'DataCloneError');
          postMessage.call(this, message);
        });
      },
    ],
  ];
  for (const [what, take] of cases) {
    it(what, async () => {
      expect(crossOriginIsolated).to.equal(true);
      const fixture = (await fixtures()).find(({ name }) => name === 'qwen3-q4') as DecoderFixture;
      const alone = await open(fixtureModel(fixture), 1);
      const expected = bits(await alone.logits(fixture.tokens));
      await alone.dispose();
      let workers = 0;
      const start = (): Worker => {
        const worker = newWorker();
        const terminate = worker.terminate.bind(worker);
        worker.terminate = () => {
          workers -= 1;
          terminate();
        };
        workers += 1;
        return worker;
      };
      const giveBack = take();
      let decoder: Decoder;
      try {
        decoder = await open(fixtureModel(fixture), 2, {
          threads: { pool: startThreads, count: 2, fromBytes: 0, start },
        });
      } finally {
        giveBack();
      }
      expect(workers).to.equal(0);
      expect(decoder.info.deviceName).to.match(/1 thread$/);
      expect(bits(await decoder.logits(fixture.tokens))).to.deep.equal(expected);
      await decoder.dispose();
    });
  }
});

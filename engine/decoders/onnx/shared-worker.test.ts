// The ONNX decoder where it lives: in a module SharedWorker, which has WebGPU but no threads and no nested workers.

import { expect } from '@esm-bundle/chai';
import { fixtures } from '../../../test/fixtures/fixture-models.js';
import type { WorkerAnswer, WorkerRequest } from '../../../test/fixtures/onnx-shared-worker.js';

describe('the ONNX decoder in a SharedWorker', () => {
  for (const device of ['wasm', 'webgpu'] as const) {
    it(`says what PyTorch says on ${device}`, async () => {
      const fixture = (await fixtures()).find(({ kind }) => kind === 'q4');
      if (fixture === undefined) throw new Error('no q4 fixture');
      const url = new URL('../../../test/fixtures/onnx-shared-worker.ts', import.meta.url);
      const worker = new SharedWorker(url, { type: 'module' });
      const request: WorkerRequest = { fixture, device, assetBase: '/node_modules/onnxruntime-web/dist/' };
      const answer = await new Promise<WorkerAnswer>((resolve, reject) => {
        worker.onerror = (event) => reject(new Error(`the worker failed to start: ${event.message}`));
        worker.port.onmessage = (event: MessageEvent<WorkerAnswer>) => resolve(event.data);
        worker.port.postMessage(request);
      });
      worker.port.close();
      if (answer.kind === 'failed') throw new Error(answer.message);
      expect(answer.isolated).to.equal(false);
      if (device === 'wasm') expect(answer.deviceName).to.equal('WebAssembly SIMD, 1 thread');
      const { logits } = answer;
      const expected = fixture.logits.flat();
      expect(logits.length).to.equal(expected.length);
      const worst = Math.max(...expected.map((value, i) => Math.abs(value - (logits[i] ?? NaN))));
      expect(worst).to.be.lessThan(1e-4);
    });
  }
});

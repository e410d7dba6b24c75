// The same opening in a real browser: a chosen file, a pack and a GGUF over fetch, and the Blob of a server without
// ranges. The many ways to fail are tested in open-model.node.test.ts; here it must simply run where it will run.

import { expect } from '@esm-bundle/chai';
import { ggufFile } from '../../test/support/gguf-model.js';
import { asFloat32, randomModel } from '../../test/support/memory-model.js';
import { fetchShared } from '../../test/support/shared.js';
import { stories260k } from '../../test/support/stories260k.js';
import { EngineError } from '../protocol/errors.js';
import type { Model, ModelSpec } from './model.js';
import { openTensorModel } from './open-model.js';

const spec: ModelSpec = {
  architecture: 'qwen2',
  layers: 1,
  hiddenSize: 64,
  feedForwardSize: 64,
  heads: 2,
  kvHeads: 1,
  headSize: 32,
  vocabularySize: 64,
  contextLength: 128,
  rmsNormEpsilon: Math.fround(1e-6),
  ropeTheta: 10_000,
  ropeScaling: { kind: 'none' },
  tiedHead: true,
};

async function expectSame(opened: Model, truth: Model): Promise<void> {
  expect(opened.spec).to.deep.equal(truth.spec);
  for (const name of truth.tensors.keys()) {
    expect(await opened.readTensor(name)).to.deep.equal(await truth.readTensor(name));
  }
}

describe('openModel in a browser', () => {
  const truth = randomModel(spec, { kind: 'q4' });

  it('opens a file that the visitor chose', async () => {
    const file = new File([await ggufFile(truth)], 'chosen.gguf');
    await expectSame(await openTensorModel({ kind: 'file', blob: file }), truth);
  });

  it('opens a GGUF by URL', async () => {
    const url = URL.createObjectURL(new Blob([await ggufFile(truth)]));
    try {
      const opened = await openTensorModel({ kind: 'url', url }, { fetch: (input, init) => fetch(input, init) });
      await expectSame(opened, truth);
    } finally {
      URL.revokeObjectURL(url);
    }
  });

  it('opens a GGUF from a server without ranges', async () => {
    const bytes = await ggufFile(truth);
    const opened = await openTensorModel(
      { kind: 'url', url: new URL('model.gguf', location.href).href },
      { fetch: () => Promise.resolve(new Response(bytes)) },
    );
    await expectSame(opened, truth);
  });

  it('says what a missing model is', async () => {
    const error = await openTensorModel({ kind: 'url', url: './no/such/model/' }).then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(error).to.be.instanceOf(EngineError);
    expect((error as EngineError).code).to.equal('model-not-found');
  });

  it('holds stories260K', async function () {
    const model = await stories260k(fetchShared);
    if (model === null) {
      this.skip();
      return;
    }
    expect(model.spec.layers).to.equal(5);
    const floats = await asFloat32(model);
    expect((await floats.readTensor('embedding')).shape).to.deep.equal([512, 64]);
  });
});

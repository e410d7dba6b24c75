// The WebGPU decoder on trained models: stories260K's reference logits and text (../shared, skipped where it is absent), and
// token for token at temperature 0 over 200 tokens what the ONNX decoder says over the same bytes, for stories260K and for
// the kit's default model. Two decoders add in different orders, so where two tokens are all but equally likely either may
// be chosen; then the other decoder's logits must show the tie, and the comparison goes on from what was chosen.

import { expect } from '@esm-bundle/chai';
import { fetchShared } from '../../../test/support/shared.js';
import { stories260k } from '../../../test/support/stories260k.js';
import { createTokenizer } from '../../tokenizer/create-tokenizer.js';
import type { Model } from '../../weights/model.js';
import { openTensorModel } from '../../weights/open-model.js';
import { greedyOptions } from '../choose.js';
import type { Decoder } from '../decoder.js';
import { requestGpuDevice } from '../gpu.js';
import { createOnnxDecoder } from '../onnx/onnx-decoder.js';
import { createWebGpuDecoder } from './webgpu-decoder.js';

const assetBase = '/node_modules/onnxruntime-web/dist/';
const length = 200;
/** Of logits that spread over tens: decoders agree to about 1e-5, and rounded keys and values move them by hundredths. */
const ties = { f32: 1e-3, int8: 0.05 };

describe('the WebGPU decoder on trained models', function () {
  this.timeout(120_000);
  let gpuDevice: GPUDevice;

  before(async () => (gpuDevice = await requestGpuDevice()));
  after(() => gpuDevice.destroy());

  const continued = async (decoder: Decoder, prompt: readonly number[], limit: number): Promise<number[]> => {
    const sequence = decoder.openSequence();
    const ids: number[] = [];
    const request = { tokens: prompt, choose: greedyOptions, limit, endIds: new Set<number>() };
    for await (const { id } of sequence.decode(request)) ids.push(id);
    sequence.release();
    return ids;
  };

  /** Fails where the ONNX decoder would have chosen another token that is clearly likelier. @returns ties */
  const compare = async (
    model: Model,
    prompt: readonly number[],
    ids: readonly number[],
    tie: number,
  ): Promise<number> => {
    const onnx = await createOnnxDecoder({ model, device: 'wasm', assetBase });
    try {
      const size = model.spec.vocabularySize;
      const logits = await onnx.logits([...prompt, ...ids.slice(0, -1)]);
      let found = 0;
      ids.forEach((id, i) => {
        const position = prompt.length - 1 + i;
        const row = logits.subarray(position * size, (position + 1) * size);
        const best = row.reduce((most, logit, other) => (logit > (row[most] ?? 0) ? other : most), 0);
        if (best === id) return;
        found += 1;
        const gap = (row[best] ?? NaN) - (row[id] ?? NaN);
        expect(gap, `token ${i}: ${id} was chosen, ONNX Runtime prefers ${best} by ${gap}`).to.be.at.most(tie);
      });
      return found;
    } finally {
      await onnx.dispose();
    }
  };

  it('gives the reference text and logits of stories260K, and the ONNX decoder agrees over 200 tokens', async function () {
    const bytes = await fetchShared('data/testvectors/generated/stories260K-reference.json');
    const model = await stories260k(fetchShared);
    if (bytes === null || model === null) return this.skip();
    const reference = JSON.parse(new TextDecoder().decode(bytes)) as {
      readonly greedy_from_bos: { readonly ids: readonly number[] };
      readonly prompted: { readonly prompt_ids: readonly number[]; readonly ids: readonly number[] };
      readonly logits_for_first_8_ids: readonly (readonly number[])[];
    };
    const decoder = await createWebGpuDecoder({ model, gpuDevice });
    const { greedy_from_bos: story, prompted, logits_for_first_8_ids: expected } = reference;
    const logits = await decoder.logits(story.ids.slice(0, 8));
    const worst = Math.max(...expected.flat().map((logit, i) => Math.abs(logit - (logits[i] ?? NaN))));
    expect(worst).to.be.lessThan(1e-4);
    for (const [prompt, ids] of [
      [[1], story.ids],
      [prompted.prompt_ids, prompted.ids],
    ] as const) {
      expect([...prompt, ...(await continued(decoder, prompt, ids.length - prompt.length))]).to.deep.equal(ids);
    }
    const ids = await continued(decoder, prompted.prompt_ids, length);
    await decoder.dispose();
    expect(ids.length).to.equal(length);
    expect(await compare(model, prompted.prompt_ids, ids, ties.f32)).to.be.at.most(2);
  });

  for (const kvPrecision of ['f32', 'int8'] as const) {
    it(`says with the default model what the ONNX decoder says over 200 tokens, ${kvPrecision} pages`, async () => {
      const url = new URL('/models/default/pack/manifest.json', location.href).href;
      const model = await openTensorModel({ kind: 'url', url });
      const tokenizer = createTokenizer(model.tokenizerFiles);
      const prompt = tokenizer.encode('Once upon a time there was a little', { addSpecial: true });
      const decoder = await createWebGpuDecoder({ model, gpuDevice, kvPrecision });
      const ids = await continued(decoder, prompt, length);
      await decoder.dispose();
      expect(ids.length).to.equal(length);
      expect(await compare(model, prompt, ids, ties[kvPrecision])).to.be.at.most(4);
      model.close();
    });
  }
});

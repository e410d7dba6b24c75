// The ONNX decoder on a real trained model, stories260K of ../shared: reference logits and greedy text, on both devices,
// and its quantised forms against the same numbers as float32.

import { expect } from '@esm-bundle/chai';
import { asFloat32 } from '../../../test/support/memory-model.js';
import { createReferenceDecoder } from '../../../test/support/reference-decoder.js';
import { fetchShared } from '../../../test/support/shared.js';
import { stories260k } from '../../../test/support/stories260k.js';
import { greedyOptions } from '../choose.js';
import type { Decoder } from '../decoder.js';
import { createOnnxDecoder } from './onnx-decoder.js';
import { requestOrtDevice } from './ort-gpu.js';

interface Reference {
  readonly greedy_from_bos: { readonly ids: readonly number[] };
  readonly prompted: { readonly prompt_ids: readonly number[]; readonly ids: readonly number[] };
  /** [8][512], after each of the first eight of `greedy_from_bos.ids`. */
  readonly logits_for_first_8_ids: readonly (readonly number[])[];
}

const assetBase = '/node_modules/onnxruntime-web/dist/';

const worst = (expected: ArrayLike<number>, actual: Float32Array): number =>
  Array.from(expected).reduce((most, value, i) => Math.max(most, Math.abs(value - (actual[i] ?? NaN))), 0);

describe('the ONNX decoder on stories260K', function () {
  let reference: Reference;
  let gpuDevice: GPUDevice;

  before(async function () {
    const bytes = await fetchShared('data/testvectors/generated/stories260K-reference.json');
    if (bytes === null) return this.skip();
    reference = JSON.parse(new TextDecoder().decode(bytes)) as Reference;
    gpuDevice = await requestOrtDevice();
  });

  after(() => gpuDevice?.destroy());

  const continued = async (decoder: Decoder, prompt: readonly number[], length: number): Promise<number[]> => {
    const ids = [...prompt];
    const sequence = decoder.openSequence();
    let tokens = prompt;
    while (ids.length < length) {
      const [choice] = await sequence.append({ tokens, at: 'last', choose: greedyOptions });
      if (choice === undefined) throw new Error('nothing was chosen');
      ids.push(choice.id);
      tokens = [choice.id];
    }
    sequence.release();
    return ids;
  };

  /** The likeliest token after each. */
  const likeliest = async (decoder: Decoder, ids: readonly number[]): Promise<number[]> => {
    const logits = await decoder.logits(ids);
    const size = decoder.info.vocabularySize;
    return ids.map((_, i) => {
      const row = logits.subarray(i * size, (i + 1) * size);
      return row.indexOf(Math.max(...row));
    });
  };

  for (const device of ['wasm', 'webgpu'] as const) {
    it(`gives the reference logits and the reference text on ${device}`, async () => {
      const model = await stories260k(fetchShared);
      if (model === null) throw new Error('../shared went away');
      const decoder = await createOnnxDecoder({ model, device, assetBase, ...(device === 'webgpu' && { gpuDevice }) });
      const { greedy_from_bos: story, prompted, logits_for_first_8_ids: logits } = reference;
      expect(worst(logits.flat(), await decoder.logits(story.ids.slice(0, 8)))).to.be.lessThan(1e-4);
      for (const [prompt, ids] of [
        [[1], story.ids],
        [prompted.prompt_ids, prompted.ids],
      ] as const) {
        // All of it at once: each next token is the likeliest after those before it ...
        expect((await likeliest(decoder, ids)).slice(prompt.length - 1, -1)).to.deep.equal(ids.slice(prompt.length));
        // ... and step by step, which software WebGPU does slowly.
        const steps = device === 'wasm' ? ids : ids.slice(0, prompt.length + 15);
        expect(await continued(decoder, prompt, steps.length)).to.deep.equal(steps);
      }
      await decoder.dispose();
    });

    for (const kind of ['f16', 'q8', 'q4'] as const) {
      it(`computes with ${kind} matrices on ${device} what plain JavaScript computes with the same numbers`, async () => {
        const model = await stories260k(fetchShared, kind);
        if (model === null) throw new Error('../shared went away');
        const ids = reference.prompted.ids.slice(0, 40);
        const expected = await (await createReferenceDecoder(await asFloat32(model))).logits(ids);
        for (const denseBytes of device === 'wasm' ? [0, 2 ** 29] : [0]) {
          const decoder = await createOnnxDecoder({
            model,
            device,
            assetBase,
            denseBytes,
            ...(device === 'webgpu' && { gpuDevice }),
          });
          expect(worst(expected, await decoder.logits(ids))).to.be.lessThan(1e-4);
          await decoder.dispose();
        }
      });
    }
  }
});

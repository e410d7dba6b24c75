// The WebAssembly decoder on trained models: stories260K of ../shared against its reference text, and the embedded model
// of this repository against the ONNX decoder's, with every near-tie that parts them shown.

import { expect } from '@esm-bundle/chai';
import { asFloat32 } from '../../../test/support/memory-model.js';
import { createReferenceDecoder } from '../../../test/support/reference-decoder.js';
import { fetchShared } from '../../../test/support/shared.js';
import { stories260k } from '../../../test/support/stories260k.js';
import { createTokenizer } from '../../tokenizer/create-tokenizer.js';
import { openTensorModel } from '../../weights/open-model.js';
import { greedyOptions } from '../choose.js';
import type { Decoder } from '../decoder.js';
import { createOnnxDecoder } from '../onnx/onnx-decoder.js';
import { createWebGpuDecoder } from '../webgpu/webgpu-decoder.js';
import { createWasmDecoder } from './wasm-decoder.js';

const kernels = '/';

async function continued(decoder: Decoder, prompt: readonly number[], length: number): Promise<number[]> {
  const sequence = decoder.openSequence();
  const request = { tokens: prompt, choose: greedyOptions, limit: length - prompt.length, endIds: new Set<number>() };
  const ids = [...prompt];
  for await (const { id } of sequence.decode(request)) ids.push(id);
  sequence.release();
  return ids;
}

interface Reference {
  readonly greedy_from_bos: { readonly ids: readonly number[] };
  readonly prompted: { readonly prompt_ids: readonly number[]; readonly ids: readonly number[] };
}

const squaredError = (expected: Float32Array, actual: Float32Array): number => {
  let [error, size] = [0, 0];
  for (const [i, value] of expected.entries()) {
    error += (value - (actual[i] ?? NaN)) ** 2;
    size += value ** 2;
  }
  return error / size;
};

describe('the WebAssembly decoder on stories260K', () => {
  let reference: Reference;

  before(async function () {
    const bytes = await fetchShared('data/testvectors/generated/stories260K-reference.json');
    if (bytes === null) return this.skip();
    reference = JSON.parse(new TextDecoder().decode(bytes)) as Reference;
  });

  for (const activations of ['int16', 'int8', 'f32'] as const) {
    it(`tells the reference story, ${activations} activations`, async () => {
      const model = await stories260k(fetchShared);
      if (model === null) throw new Error('../shared went away');
      const decoder = await createWasmDecoder({ model, kernels, activations });
      const { greedy_from_bos: story, prompted } = reference;
      expect(await continued(decoder, [1], story.ids.length)).to.deep.equal(story.ids);
      expect(await continued(decoder, prompted.prompt_ids, prompted.ids.length)).to.deep.equal(prompted.ids);
      await decoder.dispose();
    });
  }

  for (const kind of ['f16', 'q8', 'q4'] as const) {
    it(`computes with ${kind} matrices what plain JavaScript computes with the same numbers`, async () => {
      const model = await stories260k(fetchShared, kind);
      if (model === null) throw new Error('../shared went away');
      const ids = reference.prompted.ids.slice(0, 60);
      const expected = await (await createReferenceDecoder(await asFloat32(model))).logits(ids);
      for (const [activations, bound] of [
        ['f32', 1e-8],
        ['int16', 1e-4],
        ['int8', 1e-3],
      ] as const) {
        const decoder = await createWasmDecoder({ model, kernels, activations });
        expect(squaredError(expected, await decoder.logits(ids)), activations).to.be.lessThan(bound);
        await decoder.dispose();
      }
    });
  }
});

describe('the WebAssembly decoder on the embedded model', () => {
  const length = 200;

  it('continues a text as the ONNX decoder does, but for near-ties', async () => {
    const url = new URL('/models/default/pack/', location.href).href;
    const model = await openTensorModel({ kind: 'url', url });
    const prompt = createTokenizer(model.tokenizerFiles).encode('Once upon a time', { addSpecial: true });
    const onnx = await createOnnxDecoder({ model, device: 'wasm', assetBase: '/node_modules/onnxruntime-web/dist/' });
    const text = await continued(onnx, prompt, length);
    const theirs = await onnx.logits(text);
    await onnx.dispose();
    for (const [activations, kvPrecision, tie, bound] of [
      ['f32', 'f32', 1e-3, 1e-8],
      ['int16', 'f32', 0.1, 1e-4],
      ['int16', 'int8', 0.1, 1e-4],
      ['int8', 'f32', 0.5, 1e-3],
      ['int8', 'int8', 0.5, 1e-3],
    ] as const) {
      const decoder = await createWasmDecoder({ model, kernels, activations, kvPrecision });
      const { ours, ties } = await against(decoder, text, theirs, prompt.length, tie);
      const error = squaredError(theirs, ours);
      const chosen = length - prompt.length;
      show(`${activations} activations, ${kvPrecision} pages`, chosen, ties, error);
      expect(error).to.be.lessThan(bound);
      expect(ties.length).to.be.at.most(chosen * 0.05);
      await decoder.dispose();
    }
    model.close();
  });

  it('continues a text as the WebGPU decoder does, but for near-ties', async function () {
    const { gpu } = navigator as { readonly gpu?: GPU };
    if (!(await gpu?.requestAdapter())) return this.skip();
    const url = new URL('/models/default/pack/', location.href).href;
    const model = await openTensorModel({ kind: 'url', url });
    const prompt = createTokenizer(model.tokenizerFiles).encode('Once upon a time', { addSpecial: true });
    const webgpu = await createWebGpuDecoder({ model });
    const text = await continued(webgpu, prompt, length);
    const theirs = await webgpu.logits(text);
    await webgpu.dispose();
    const decoder = await createWasmDecoder({ model, kernels });
    const { ours, ties } = await against(decoder, text, theirs, prompt.length, 0.1);
    const error = squaredError(theirs, ours);
    show('against WebGPU', length - prompt.length, ties, error);
    expect(error).to.be.lessThan(1e-4);
    // Left to itself it says the same text, up to the first near-tie if there is one.
    const own = await continued(decoder, prompt, length);
    const parted = own.findIndex((id, i) => id !== text[i]);
    expect(parted < 0 ? null : parted - 1).to.equal(ties[0]?.after ?? null);
    await decoder.dispose();
    model.close();
  });
});

interface Tie {
  readonly after: number;
  readonly words: string;
}

/** Along the same text, token by token: where another one is likelier here, how near was the other decoder to it? */
async function against(decoder: Decoder, text: number[], theirs: Float32Array, from: number, tie: number) {
  const ours = await decoder.logits(text);
  const size = decoder.info.vocabularySize;
  const ties: Tie[] = [];
  for (let i = from - 1; i < text.length - 1; i++) {
    const row = ours.subarray(i * size, (i + 1) * size);
    const likeliest = row.indexOf(Math.max(...row));
    const wanted = text[i + 1] ?? -1;
    if (likeliest === wanted) continue;
    const gap = (theirs[i * size + wanted] ?? NaN) - (theirs[i * size + likeliest] ?? NaN);
    const words = `after token ${i}: ${likeliest} for ${wanted}, which led by ${gap.toFixed(3)}`;
    ties.push({ after: i, words });
    expect(gap, words).to.be.lessThan(tie);
  }
  return { ours, ties };
}

function show(what: string, chosen: number, ties: readonly Tie[], error: number): void {
  const all = ties.map(({ words }) => words).join('; ');
  // eslint-disable-next-line no-console -- shown, because agreement up to near-ties is worth as much as they are near
  console.info(`${what}: ${chosen - ties.length} of ${chosen} tokens, error ${error.toExponential(1)}. ${all}`);
}

// Opens models and runs them on this device: weights -> tokenizer -> decoder -> local backend. The one place where the
// host meets those rooms; EngineHost knows only `OpenModel` (routing/runner.ts). Called through shared-worker.ts.
// The model file stays open as long as its backend, because a device that fails is replaced by another one that reads
// the tensors again.

import { EngineError } from '../protocol/errors.js';
import { createLocalBackend } from '../backends/local/local-backend.js';
import type { Decoder, DecoderDevice } from '../decoders/decoder.js';
import type { KeptModels, OpenedModel, OpenModel, Profiler, RunningModel, StageOptions } from '../routing/runner.js';
import { createTokenizer } from '../tokenizer/create-tokenizer.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import type { Model } from '../weights/model.js';
import type { GraphModel } from '../weights/onnx/graph-model.js';
import type { GraphDevice } from '../weights/onnx/onnx-variants.js';
import { isMetered } from '../weights/download/gate.js';
import { openModel, type ModelLocation } from '../weights/open-model.js';
import { deleteKept } from '../weights/store/delete-kept.js';
import type { ModelStore } from '../weights/store/model-store.js';
import type { Helpers } from './helpers.js';
import { startDecoder } from './local-decoder.js';

/**
 * @param kitBase folder of the kit's files (`ort/`, `kernels/`), absolute
 * @param helpers what tabs lend
 * @param store where models are kept; resolves to null where nothing can be kept
 */
export function localModels(kitBase: string, store: () => Promise<ModelStore | null>, helpers: Helpers): OpenModel {
  return async (url, { confirmed, maxDownload, file, device: kind = 'wasm', ...options }) => {
    const gate = { metered: isMetered, allowMetered: confirmed, maxDownload };
    const device = () => graphDevice(kind);
    const model = await openModel(placeOf(url, file), { ...options, device, store: await store(), gate });
    try {
      return new LocalModel(model, createTokenizer(model.tokenizerFiles), kitBase, helpers);
    } catch (error) {
      model.close();
      throw error;
    }
  };
}

/** Whether the graphics card computes in 16 bits decides between a graph's formats; nobody else needs it. */
async function graphDevice(kind: DecoderDevice): Promise<GraphDevice> {
  if (kind === 'wasm') return { kind, f16: false };
  const { gpu } = navigator as { readonly gpu?: GPU };
  return { kind, f16: (await gpu?.requestAdapter())?.features.has('shader-f16') ?? false };
}

const placeOf = (url: string, file: Blob | null): ModelLocation => {
  if (file !== null) return { kind: 'file', blob: file };
  return url.startsWith('file:') ? { kind: 'kept', source: url } : { kind: 'url', url };
};

/** @param store as of {@link localModels} */
export function keptModels(store: () => Promise<ModelStore | null>): KeptModels {
  return {
    async report() {
      const here = await store();
      if (here === null) return { kind: 'none', usage: null, quota: null, models: [] };
      const estimate = await here.estimate();
      const models = (await here.models()).map(({ model, storedBytes }) => {
        const { source, name, quantisation, byteLength, lastUsed } = model;
        return { source, name, quantisation, byteLength, storedBytes, lastUsed };
      });
      return { kind: here.kind, usage: estimate?.usage ?? null, quota: estimate?.quota ?? null, models };
    },
    async delete(source) {
      const here = await store();
      if (here === null) throw new EngineError('storage', 'This browser keeps nothing for this page.');
      return deleteKept(here, source);
    },
  };
}

const isProfiler = (decoder: Decoder): decoder is Decoder & Profiler =>
  'profile' in decoder && 'kernelTimes' in decoder;

/** When what was begun before has begun to wait. */
const soon = (work: () => void): Promise<void> => new Promise<void>((begin) => setTimeout(begin)).then(work);

class LocalModel implements OpenedModel {
  constructor(
    private readonly model: Model | GraphModel,
    private readonly tokenizer: Tokenizer,
    private readonly kitBase: string,
    private readonly helpers: Helpers,
  ) {}

  get name(): string {
    return this.model.identity.name;
  }

  get signedBy(): string | null {
    return this.model.identity.signedBy ?? null;
  }

  async downloaded(signal: AbortSignal): Promise<void> {
    await this.model.downloaded?.(signal);
  }

  async start(device: DecoderDevice, stage: StageOptions): Promise<RunningModel> {
    const { model, tokenizer, kitBase, helpers } = this;
    const opening = startDecoder(model, device, { kitBase, helpers }, stage);
    // While the decoder waits for the first weights.
    const prepared = soon(() => tokenizer.prepare());
    const decoder = await opening.finally(() => prepared.catch(() => undefined));
    await prepared.catch(async (error: unknown) => {
      await decoder.dispose();
      throw error;
    });
    const { identity, generationDefaults } = model;
    const backend = createLocalBackend({
      identity,
      decoder,
      tokenizer,
      ...(generationDefaults === undefined ? {} : { generationDefaults }),
    });
    const profiler = isProfiler(decoder) ? { profiler: decoder } : {};
    return { backend, decoder: decoder.info, kvBytes: () => decoder.holding.kvBytes, ...profiler };
  }

  close(): void {
    this.model.close();
  }
}

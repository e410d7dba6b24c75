// Opens models and runs them on this device: weights -> tokenizer -> decoder -> local backend. The one place where the
// host meets those rooms; EngineHost knows only `OpenModel` (routing/runner.ts). Called through shared-worker.ts.
// The model file stays open as long as its backend, because a device that fails is replaced by another one that reads
// the tensors again.

import { createLocalBackend } from '../backends/local/local-backend.js';
import type { DecoderDevice } from '../decoders/decoder.js';
import type { OpenedModel, OpenModel, RunningModel, StageOptions } from '../routing/runner.js';
import { createTokenizer } from '../tokenizer/create-tokenizer.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import type { Model } from '../weights/model.js';
import { isMetered } from '../weights/download/gate.js';
import { openModel } from '../weights/open-model.js';
import type { ModelStore } from '../weights/store/model-store.js';
import type { Helpers } from './helpers.js';
import { startDecoder } from './local-decoder.js';

/**
 * @param kitBase folder of the kit's files (`ort/`, `kernels/`), absolute
 * @param helpers what tabs lend
 * @param store where models are kept; resolves to null where nothing can be kept
 */
export function localModels(kitBase: string, store: () => Promise<ModelStore | null>, helpers: Helpers): OpenModel {
  return async (url, { signal, onProgress }) => {
    const model = await openModel(
      { kind: 'url', url },
      { signal, onProgress, store: await store(), gate: { metered: isMetered } },
    );
    try {
      return new LocalModel(model, createTokenizer(model.tokenizerFiles), kitBase, helpers);
    } catch (error) {
      model.close();
      throw error;
    }
  };
}

class LocalModel implements OpenedModel {
  constructor(
    private readonly model: Model,
    private readonly tokenizer: Tokenizer,
    private readonly kitBase: string,
    private readonly helpers: Helpers,
  ) {}

  get name(): string {
    return this.model.identity.name;
  }

  async start(device: DecoderDevice, stage: StageOptions): Promise<RunningModel> {
    const { model, tokenizer, kitBase, helpers } = this;
    const decoder = await startDecoder(model, device, { kitBase, helpers }, stage);
    const { identity, generationDefaults } = model;
    const backend = createLocalBackend({
      identity,
      decoder,
      tokenizer,
      ...(generationDefaults === undefined ? {} : { generationDefaults }),
    });
    return { backend, decoder: decoder.info, kvBytes: () => decoder.holding.kvBytes };
  }

  close(): void {
    this.model.close();
  }
}

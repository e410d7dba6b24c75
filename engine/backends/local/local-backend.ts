// The backend that answers on this device: `generate/` over a decoder and the model's tokenizer. Made by the host when
// a model is loaded; driven by routing through the `Backend` contract. It owns the decoder from then on.
// Knows nothing of queues, tabs or which decoder it is. Errors are those of generating; disposing stops what runs.

import type { Decoder } from '../../decoders/decoder.js';
import { generate } from '../../generate/generate.js';
import { countPrompt } from '../../generate/prompt.js';
import { SequencePool } from '../../generate/sequence-pool.js';
import type { ChatMessage } from '../../protocol/chat.js';
import { EngineError } from '../../protocol/errors.js';
import type { Tokenizer } from '../../tokenizer/tokenizer.js';
import type { GenerationDefaults, ModelIdentity } from '../../weights/model.js';
import type { Backend, BackendEvent, BackendInfo, BackendRequest } from '../backend.js';

export interface LocalBackendOptions {
  readonly identity: Pick<ModelIdentity, 'id' | 'name'>;
  readonly decoder: Decoder;
  readonly tokenizer: Tokenizer;
  /** The makers' advice, for what a request does not say. */
  readonly generationDefaults?: GenerationDefaults;
}

export function createLocalBackend(options: LocalBackendOptions): Backend {
  return new LocalBackend(options);
}

class LocalBackend implements Backend {
  readonly info: BackendInfo;
  private readonly pool: SequencePool;
  private readonly closing = new AbortController();
  private disposal: Promise<void> | null = null;

  constructor(private readonly options: LocalBackendOptions) {
    const { id: modelId, name: modelName } = options.identity;
    this.info = { kind: 'local', modelId, modelName, leavesDevice: false };
    this.pool = new SequencePool(options.decoder);
  }

  async *stream(request: BackendRequest): AsyncGenerator<BackendEvent, void, undefined> {
    if (this.closing.signal.aborted) {
      throw new EngineError('aborted', 'The model was unloaded.', { hint: 'Load it again.' });
    }
    const { decoder, tokenizer, generationDefaults } = this.options;
    yield* generate({
      decoder,
      tokenizer,
      pool: this.pool,
      completion: request.completion,
      partialAnswer: request.partialAnswer,
      ...(request.partialIds === undefined ? {} : { partialIds: request.partialIds }),
      signal: AbortSignal.any([request.signal, this.closing.signal]),
      ...(generationDefaults === undefined ? {} : { defaults: generationDefaults }),
      ...(generationDefaults?.endIds === undefined ? {} : { endIds: generationDefaults.endIds }),
    });
  }

  countTokens(messages: readonly ChatMessage[]): number {
    return countPrompt(this.options.tokenizer, messages);
  }

  dispose(): Promise<void> {
    this.disposal ??= (async () => {
      this.closing.abort();
      this.pool.close();
      await this.options.decoder.dispose();
    })();
    return this.disposal;
  }
}

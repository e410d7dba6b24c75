// The backend that answers on this device: `generate/` over a decoder and the model's tokenizer. Made by the host when
// a model is loaded; driven by routing through the `Backend` contract. It owns the decoder from then on.
// Several answers may be under way at once. One that finds no memory before its first word has what is kept for later turns
// released, or waits until another one is over; only then does it fail, and never because of it another one.
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
  /** Under way. */
  private answers = 0;
  /** Answers that have not begun, for want of memory. */
  private readonly waitingForRoom: (() => void)[] = [];

  constructor(private readonly options: LocalBackendOptions) {
    const { id: modelId, name: modelName } = options.identity;
    this.info = { kind: 'local', modelId, modelName, leavesDevice: false };
    this.pool = new SequencePool(options.decoder);
  }

  async *stream(request: BackendRequest): AsyncGenerator<BackendEvent, void, undefined> {
    if (this.closing.signal.aborted) {
      throw new EngineError('aborted', 'The model was unloaded.', { hint: 'Load it again.' });
    }
    this.answers += 1;
    try {
      for (;;) {
        let said = false;
        try {
          for await (const event of this.generate(request)) {
            said = true;
            yield event;
          }
          return;
        } catch (error) {
          if (said || EngineError.from(error).code !== 'out-of-memory') throw error;
          if (!this.pool.releaseIdle() && !(await this.othersEnd(request.signal))) throw error;
        }
      }
    } finally {
      this.answers -= 1;
      for (const resume of this.waitingForRoom.splice(0)) resume();
    }
  }

  private generate(request: BackendRequest): AsyncGenerator<BackendEvent, void, undefined> {
    const { decoder, tokenizer, generationDefaults } = this.options;
    return generate({
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

  /** Waits until one of the other answers is over. @returns false when none of them computes */
  private async othersEnd(signal: AbortSignal): Promise<boolean> {
    if (this.answers - this.waitingForRoom.length === 1) return false;
    const stopped = AbortSignal.any([signal, this.closing.signal]);
    await new Promise<void>((resolve, reject) => {
      const resume = (): void => {
        stopped.removeEventListener('abort', stop);
        resolve();
      };
      const stop = (): void => {
        this.waitingForRoom.splice(this.waitingForRoom.indexOf(resume), 1);
        reject(new EngineError('aborted', 'The request was stopped.'));
      };
      this.waitingForRoom.push(resume);
      stopped.addEventListener('abort', stop, { once: true });
    });
    return true;
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

// Choosing a token from a row of logits in WebAssembly memory: choose.ts's result without its walk over the vocabulary,
// wherever the kernels can bring the candidates. Called by wasm-decoder.ts after a pass.
// Greedy: argmax. Top-k: the k likeliest, in choose.ts's order, are handed to choose.ts as a vocabulary of k; it draws in
// that order anyway, and nothing beyond the k takes part. Everything else (biases, penalties, log-probabilities, draws
// from the whole vocabulary) goes through choose.ts whole.
// What goes wrong: logits that are not numbers are `internal`, said by choose.ts.

import type { Kernels } from '../../../kernels/wasm/kernels.js';
import { chooseToken } from '../choose.js';
import type { Choice, ChooseOptions } from '../decoder.js';
import type { WasmMemory } from './memory.js';
import { mostTopK, type ScratchPlan } from './scratch.js';

export class Chooser {
  constructor(
    private readonly kernels: Kernels,
    private readonly memory: WasmMemory,
    private readonly scratch: ScratchPlan,
    private readonly vocabularySize: number,
  ) {}

  /**
   * @param logits address of the row; may be changed
   * @param position as chooseToken
   */
  choose(logits: number, options: ChooseOptions, position: number): Choice {
    return (isPlain(options) && this.fast(logits, options, position)) || this.whole(logits, options, position);
  }

  private whole(logits: number, options: ChooseOptions, position: number): Choice {
    return chooseToken(this.memory.floats(logits, this.vocabularySize), options, position);
  }

  /** Null where the fast way ends: choose.ts then says what is wrong, or draws from all. */
  private fast(logits: number, options: ChooseOptions, position: number): Choice | null {
    const { kernels, memory, scratch, vocabularySize } = this;
    const greedy = options.temperature === 0;
    if (!greedy && (options.topK < 1 || options.topK > Math.min(mostTopK, vocabularySize))) return null;
    const { allowed, ...rest } = options;
    if (allowed !== undefined) {
      const words = Math.min(allowed.length, Math.ceil(vocabularySize / 32));
      memory.words(scratch.allowed, words).set(allowed.subarray(0, words));
      kernels.forbid(logits, vocabularySize, scratch.allowed, words);
    }
    if (greedy) {
      const id = kernels.argmax(logits, vocabularySize);
      return id < 0 ? null : { id };
    }
    const found = kernels.topK(logits, vocabularySize, options.topK, scratch.topValues, scratch.topIds);
    if (found < options.topK) return null;
    const values = memory.floats(scratch.topValues, found);
    if (!Number.isFinite(values[0])) return null;
    const { id: rank } = chooseToken(values, rest, position);
    return { id: memory.words(scratch.topIds, found)[rank] as number };
  }
}

/** Nothing looks at tokens one by one, and nobody wants log-probabilities. */
function isPlain(options: ChooseOptions): boolean {
  const { repetitionPenalty, presencePenalty, frequencyPenalty, penalised, logitBias, logprobs } = options;
  const unpenalised = repetitionPenalty === 1 && presencePenalty === 0 && frequencyPenalty === 0;
  return logprobs < 0 && logitBias.size === 0 && (unpenalised || penalised.length === 0);
}

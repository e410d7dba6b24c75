// Where an answer begins: the prompt's ids, what of the answer exists already, and the text's state at that place. Called
// by `generate.ts`. A part that comes with its ids goes on as if it had never broken off, if the ids give its text (another
// model's would not); without, its text is read as the end of the prompt. Knows nothing of decoders beyond two numbers.

import type { CompletionRequest } from '../protocol/text-completion.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import { Output } from './output.js';
import { makePrompt, type PromptLimits } from './prompt.js';

export interface BeginOptions {
  readonly tokenizer: Tokenizer;
  readonly completion: CompletionRequest;
  readonly partialAnswer: string;
  readonly partialIds?: readonly number[];
  readonly stops: readonly string[];
  readonly random: () => number;
}

export interface Beginning {
  /** What is to be read: the prompt, then the answer so far. */
  readonly ids: readonly number[];
  /** Of `ids`, those that count as the prompt. */
  readonly promptTokens: number;
  /** The answer so far, for penalties. */
  readonly begun: readonly number[];
  readonly output: Output;
  /** The answer had come to its end already, and only its last word was lost. */
  readonly over: 'stop' | 'length' | null;
}

/** @throws EngineError as `makePrompt` does */
export function beginAnswer(options: BeginOptions, limits: PromptLimits): Beginning {
  const { tokenizer, completion, partialAnswer, partialIds = [] } = options;
  if (partialIds.length > 0 && partialIds.every((id) => id < limits.vocabularySize)) {
    const { ids, continues } = makePrompt(tokenizer, completion, '', limits);
    const output = new Output({ ...options, continues });
    if (output.replay(partialIds) === partialAnswer) {
      const full = ids.length + partialIds.length > limits.contextLength;
      const over = output.stopped ? 'stop' : full ? 'length' : null;
      return { ids: [...ids, ...partialIds], promptTokens: ids.length, begun: partialIds, output, over };
    }
  }
  const { ids, continues } = makePrompt(tokenizer, completion, partialAnswer, limits);
  const begun = partialAnswer === '' ? [] : tokenizer.encode(partialAnswer, { addSpecial: false, plain: true });
  return { ids, promptTokens: ids.length, begun, output: new Output({ ...options, continues }), over: null };
}

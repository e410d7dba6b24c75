// What a call of a sequence must be, told in one way. Called by webgpu-sequence.ts.

import { EngineError } from '../../protocol/errors.js';
import type { DecoderInfo } from '../decoder.js';

/**
 * @param held tokens of the sequence
 * @throws EngineError `invalid-request`, `prompt-too-long`
 */
export function checkTokens(tokens: readonly number[], held: number, info: DecoderInfo): void {
  if (tokens.length === 0) throw invalid('there is no token to append');
  const { vocabularySize, contextLength } = info;
  const wrong = tokens.find((token) => !Number.isInteger(token) || token < 0 || token >= vocabularySize);
  if (wrong !== undefined) throw invalid(`token ${wrong} is not one of the vocabulary's ${vocabularySize}`);
  const total = held + tokens.length;
  if (total > contextLength) {
    const message = `The text is ${total} tokens long; this model holds ${contextLength}.`;
    throw new EngineError('prompt-too-long', message, { hint: 'Shorten the text, or start a new chat.' });
  }
}

export function invalid(what: string): EngineError {
  return new EngineError('invalid-request', `The decoder was called wrongly: ${what}.`);
}

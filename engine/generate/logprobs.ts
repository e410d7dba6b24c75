// Writes a choice's log-probabilities in OpenAI's form. Called by `generate.ts`. Tokens may be part of a character:
// `token` then shows U+FFFD and `bytes` tells the truth, as in OpenAI's API ("logprobs.content[].bytes").

import type { Choice, TokenLogprob } from '../decoders/decoder.js';
import type { LogprobEntry } from '../protocol/chat.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';

/** @returns null when the choice carries none */
export function logprobEntry(choice: Choice, tokenizer: Tokenizer): LogprobEntry | null {
  if (choice.logprob === undefined) return null;
  const written = ({ id, logprob }: TokenLogprob) => {
    const bytes = tokenizer.tokenBytes(id);
    return { token: new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes), logprob, bytes: [...bytes] };
  };
  return { ...written(choice.logprob), top_logprobs: (choice.alternatives ?? []).map(written) };
}

// Our chat chunks as OpenAI sends them (API reference, "The chat completion object" and "... chunk object"). Pure;
// called by endpoint.ts. Ours and theirs differ in little: they end with a chunk that has nothing but the finish
// reason, give usage in one more chunk and only when asked, write null where we leave out. `llm` (who answered) stays.

import type { ChatCompletion, ChatCompletionChunk } from '../../engine/protocol/chat.js';

/** Makes the lines of one stream. */
export interface ChunkShaper {
  /** @returns the objects to send for this chunk, in order */
  (chunk: ChatCompletionChunk): readonly unknown[];
}

/** @param withUsage `stream_options.include_usage` */
export function chatChunks(withUsage: boolean): ChunkShaper {
  return ({ usage, choices, ...facts }) => {
    const [{ delta, finish_reason, logprobs }] = choices;
    const wanted = withUsage ? { usage: null } : {};
    const one = (part: typeof delta, reason: typeof finish_reason): unknown => ({
      ...facts,
      choices: [{ index: 0, delta: part, logprobs: logprobs ?? null, finish_reason: reason }],
      ...wanted,
    });
    if (finish_reason === null) return [one(delta, null)];
    const rest = Object.keys(delta).length === 0 ? [] : [one(delta, null)];
    const last = withUsage && usage ? [{ ...facts, choices: [], usage }] : [];
    return [...rest, one({}, finish_reason), ...last];
  };
}

export function chatCompletion(completion: ChatCompletion): unknown {
  const [{ message, logprobs, ...choice }] = completion.choices;
  const { content, ...rest } = message;
  // A call without a word beside it has no content, where we have an empty one.
  const text = content === '' && rest.tool_calls !== undefined ? null : content;
  return {
    ...completion,
    choices: [{ ...choice, message: { ...rest, content: text, refusal: null }, logprobs: logprobs ?? null }],
  };
}

// Writes a backend's events as OpenAI's `chat.completion.chunk` objects: the role first, then text, then one last
// chunk with the finish reason and the usage. Called by Answering for each answer. Source: the OpenAI API reference,
// "The chat completion chunk object"; `usage` rides on the last chunk, where OpenAI sends one more without choices.

import type { ChatCompletionChunk, CompletionUsage, LogprobEntry, Provenance, ToolCall } from '../protocol/chat.js';
import type { FinishReason } from '../protocol/chat.js';

type Delta = ChatCompletionChunk['choices'][0]['delta'];

export class ChunkWriter {
  /** Tokens whose text is held back so far. */
  #held: number[] = [];

  /** @param created seconds since 1970 */
  constructor(
    private readonly id: string,
    private readonly created: number,
  ) {}

  begin(from: Provenance): ChatCompletionChunk {
    return this.#chunk(from, { role: 'assistant', content: '' }, null);
  }

  /** Tokens that go with the next chunk. */
  hold(ids: readonly number[]): void {
    this.#held.push(...ids);
  }

  text(from: Provenance, content: string, logprobs: readonly LogprobEntry[] | undefined): ChatCompletionChunk {
    return this.#chunk(from, { content }, null, logprobs);
  }

  end(
    from: Provenance,
    finishReason: FinishReason,
    usage: CompletionUsage,
    toolCalls: readonly ToolCall[] = [],
  ): ChatCompletionChunk {
    const delta: Delta =
      toolCalls.length === 0 ? {} : { tool_calls: toolCalls.map((call, index) => ({ ...call, index })) };
    return { ...this.#chunk(from, delta, finishReason), usage };
  }

  #chunk(
    from: Provenance,
    delta: Delta,
    finish_reason: FinishReason | null,
    logprobs?: readonly LogprobEntry[],
  ): ChatCompletionChunk {
    const content = logprobs === undefined || logprobs.length === 0 ? {} : { logprobs: { content: logprobs } };
    return {
      id: this.id,
      object: 'chat.completion.chunk',
      created: this.created,
      model: from.model,
      choices: [{ index: 0, delta, finish_reason, ...content }],
      llm: this.#held.length === 0 ? from : { ...from, tokenIds: this.#held.splice(0) },
    };
  }
}

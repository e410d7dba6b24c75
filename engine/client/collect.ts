// A whole answer, put together from its parts. Fetched by Completions where a request wants no stream, which no element does, and
// used by the service worker. Knows nothing of where the parts come from.

import type { ChatCompletion, ChatCompletionChunk, FinishReason, LogprobEntry, ToolCall } from '../protocol/chat.js';
import { EngineError } from '../protocol/errors.js';

/** @throws EngineError what the stream throws; `internal` for one without an end */
export async function collect(stream: AsyncIterable<ChatCompletionChunk>): Promise<ChatCompletion> {
  let content = '';
  let finish: FinishReason | null = null;
  const toolCalls: ToolCall[] = [];
  const logprobs: LogprobEntry[] = [];
  for await (const chunk of stream) {
    const [choice] = chunk.choices;
    content += choice.delta.content ?? '';
    for (const { id, type, function: named } of choice.delta.tool_calls ?? [])
      toolCalls.push({ id, type, function: named });
    logprobs.push(...(choice.logprobs?.content ?? []));
    finish = choice.finish_reason ?? finish;
    if (finish === null || chunk.usage === undefined) continue;
    const { backend, model } = chunk.llm;
    return {
      id: chunk.id,
      object: 'chat.completion',
      created: chunk.created,
      model: chunk.model,
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content, ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls }) },
          finish_reason: finish,
          ...(logprobs.length === 0 ? {} : { logprobs: { content: logprobs } }),
        },
      ],
      usage: chunk.usage,
      llm: { backend, model },
    };
  }
  throw new EngineError('internal', 'The answer ended without its last part.', { hint: 'Send the request again.' });
}

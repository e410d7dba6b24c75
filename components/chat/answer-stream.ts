// Reads an answer's chunks into its entry: text, calls, who wrote it, tokens; and how fast it came. Called by
// conversation.ts; knows neither the engine nor the tree.

import type { ChatCompletionChunk } from '../../engine/protocol/chat.js';
import { cloudOffset, mergeCalls, type AnswerEntry } from './entries.js';

/** Milliseconds: what comes nearer than this to the first token came in one go, made nobody knows when. */
const burst = 20;
/** Milliseconds that tell nothing: a page that is busy for as long gets many tokens at once. */
const shortest = 100;

/**
 * @param take puts a change into the entry; false when nobody wants the answer any more
 * @returns decode tokens a second, those that came in one go with the first excluded; null where too few came to tell
 */
export async function readAnswer(
  stream: AsyncIterable<ChatCompletionChunk>,
  now: () => number,
  take: (update: (answer: AnswerEntry) => AnswerEntry) => boolean,
): Promise<number | null> {
  let first = 0;
  let last = 0;
  /** The end of what came in one go with the first token, and the tokens until then. */
  let begin = { time: 0, tokens: 0 };
  /** Tokens told by chunks; those that tell none count one each. */
  let tokens = 0;
  for await (const chunk of stream) {
    const choice = chunk.choices[0];
    const { content = '', tool_calls: calls = [] } = choice.delta;
    const said = content !== '' || calls.length > 0;
    const ids = chunk.llm.tokenIds;
    tokens += ids?.length ?? (said ? 1 : 0);
    if (said) {
      last = now();
      if (first === 0) first = last;
      if (last - first < burst) begin = { time: last, tokens };
    }
    const { backend, model } = chunk.llm;
    const wanted = take((answer) => ({
      ...answer,
      text: answer.text + content,
      toolCalls: calls.length === 0 ? answer.toolCalls : mergeCalls(answer.toolCalls, calls),
      status: said ? 'streaming' : answer.status,
      provenance: { backend, model },
      cloudFrom: cloudOffset(answer, chunk.llm, content),
      usage: chunk.usage ?? answer.usage,
      finishReason: choice.finish_reason ?? answer.finishReason,
      // Text without its tokens: from here on nobody knows them all.
      tokenIds: ids === undefined ? (content === '' ? answer.tokenIds : null) : grown(answer.tokenIds, ids),
    }));
    if (!wanted) return null;
  }
  const [time, timed] = [last - begin.time, tokens - begin.tokens];
  return time >= shortest && timed > 3 ? (1000 * timed) / time : null;
}

/** Lists made here, which nobody else changes. */
const grownLists = new WeakSet<readonly number[]>();

/** Only the newest state of an answer is ever asked for its tokens, so that one list may grow with it. */
function grown(before: readonly number[] | null, ids: readonly number[]): readonly number[] | null {
  if (before === null) return null;
  const list = grownLists.has(before) ? (before as number[]) : [...before];
  list.push(...ids);
  grownLists.add(list);
  return list;
}

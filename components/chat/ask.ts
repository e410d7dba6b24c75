// Asks the engine for an answer and reads its chunks into the entry: text, calls, who wrote it, tokens; and how fast it came.
// Called by conversation.ts, which fetches it when somebody turns to writing (parts.ts); knows nothing of the tree.

import type { ChatCompletionChunk, ChatMessage, Provenance, ToolCall } from '../../engine/protocol/chat.js';
import type { EngineLike, StreamRequest } from '../internal/engine.js';
import type { AnswerEntry, ConversationSettings } from './entries.js';

export interface Question {
  readonly messages: ChatMessage[];
  readonly settings: ConversationSettings;
  /** The part of the answer that is there already; null for a new one. */
  readonly before: AnswerEntry | null;
  readonly signal: AbortSignal;
  /** A clock in milliseconds that never goes back. */
  readonly now: () => number;
  /** Puts a change into the entry; false when nobody wants the answer any more. */
  readonly take: (update: (answer: AnswerEntry) => AnswerEntry) => boolean;
}

/** Milliseconds: what comes nearer than this to the first token came in one go, made nobody knows when. */
const burst = 20;
/** Milliseconds that tell nothing: a page that is busy for as long gets many tokens at once. */
const shortest = 100;

/** @returns decode tokens a second, those that came in one go with the first excluded; null where too few came to tell */
export async function ask(engine: EngineLike, question: Question): Promise<number | null> {
  const { signal, now, take } = question;
  const stream = await engine.chat.completions.create(toRequest(question), { signal });
  return readAnswer(stream, now, take);
}

export async function readAnswer(
  stream: AsyncIterable<ChatCompletionChunk>,
  now: Question['now'],
  take: Question['take'],
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

const toRequest = ({ messages, settings, before }: Question): StreamRequest => ({
  messages,
  stream: true,
  ...(before === null
    ? {}
    : {
        resume: { text: before.text, ...(before.tokenIds === null ? {} : { tokenIds: [...before.tokenIds] }) },
      }),
  ...(settings.tools.length === 0 ? {} : { tools: [...settings.tools] }),
  ...(settings.temperature === null ? {} : { temperature: settings.temperature }),
  // What is there counts towards the limit: an answer that reached it gets as much again.
  ...(settings.maxTokens === null ? {} : { max_tokens: settings.maxTokens + tokensOf(before) }),
});

/** Tool calls stream in pieces: the same index again continues that call's arguments. */
export function mergeCalls(
  before: readonly ToolCall[],
  pieces: readonly (ToolCall & { readonly index: number })[],
): readonly ToolCall[] {
  const calls = [...before];
  for (const { index, ...piece } of pieces) {
    // An index beyond the end would leave holes; whoever sent it means the next one.
    const place = Math.min(index, calls.length);
    const open = calls[place];
    calls[place] =
      open === undefined
        ? piece
        : {
            ...open,
            function: {
              name: open.function.name || piece.function.name,
              arguments: open.function.arguments + piece.function.arguments,
            },
          };
  }
  return calls;
}

function cloudOffset(answer: AnswerEntry, provenance: Provenance, content: string): number | null {
  if (answer.cloudFrom !== null || provenance.backend !== 'cloud' || content === '') return answer.cloudFrom;
  return answer.text.length;
}

/** Tokens of an answer as far as they are known. */
function tokensOf(answer: AnswerEntry | null): number {
  if (answer === null) return 0;
  return answer.usage?.completion_tokens ?? answer.tokenIds?.length ?? Math.ceil(answer.text.length / 4);
}

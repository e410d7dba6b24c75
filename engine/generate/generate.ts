// One request's life over a decoder: prompt, prefill in bounded chunks, decode loop, text. Driven by backends/local.
// It never knows which decoder it drives, nor queues, tabs or ports.
// Decoding is the decoder's own loop (`Sequence.decode`), so that a GPU may run ahead of what is shown here.
// The parts: `begin.ts` and `prompt.ts` (messages to ids), `settings.ts` (fields to options), `sequence-pool.ts` (what a former turn
// left), `stop-strings.ts` and `tool-calls.ts` (what of the text is shown), `pause.ts` (aborts get through),
// `constraint/` (an answer held to a form).
// Whatever happens - the end, an abort, an early return, an error - the sequence goes back to the pool if it holds what
// it should and is released otherwise. Errors are those of the parts and of the decoder, as they are.

import type { ChooseOptions, Decoder } from '../decoders/decoder.js';
import type { FinishReason, LogprobEntry, ToolCall } from '../protocol/chat.js';
import { EngineError } from '../protocol/errors.js';
import type { CompletionRequest } from '../protocol/text-completion.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import { beginAnswer } from './begin.js';
import { logprobEntry } from './logprobs.js';
import type { Output } from './output.js';
import { constrainedDecode } from './constraint/constrained-decode.js';
import { createConstraint } from './constraint/constraint.js';
import { Breather } from './pause.js';
import type { Lease, SequencePool } from './sequence-pool.js';
import { randomSeed, readSettings, type GenerateDefaults } from './settings.js';

/** Tokens appended at once while reading a prompt, where the decoder does not say. */
const usualChunk = 128;

export interface GenerateOptions {
  readonly decoder: Decoder;
  readonly tokenizer: Tokenizer;
  /** Of this decoder. */
  readonly pool: SequencePool;
  readonly completion: CompletionRequest;
  /** Text that the answer begins with already; '' for none. */
  readonly partialAnswer: string;
  /** The ids which that text came of; with them the answer goes on as it would have gone. */
  readonly partialIds?: readonly number[];
  readonly signal: AbortSignal;
  readonly defaults?: GenerateDefaults;
  /** Ids that end an answer besides the tokenizer's. */
  readonly endIds?: readonly number[];
  /** For seeds and ids of tool calls: an integer in [0, 2^53). Passed in by tests. */
  readonly random?: () => number;
}

export type GenerateEvent =
  /** @param cachedTokens of the prompt, those that did not have to be computed again */
  | { readonly type: 'prefilled'; readonly promptTokens: number; readonly cachedTokens: number }
  | {
      readonly type: 'delta';
      /** Certain text; '' while a character, a stop string or a tool call is incomplete. */
      readonly text: string;
      readonly tokens: number;
      readonly ids: readonly number[];
      readonly logprobs?: readonly LogprobEntry[];
    }
  | {
      readonly type: 'end';
      readonly finishReason: FinishReason;
      readonly promptTokens: number;
      readonly completionTokens: number;
      readonly toolCalls?: readonly ToolCall[];
    };

/** Yields one 'prefilled', a 'delta' a token, one 'end'. @throws EngineError */
export async function* generate(options: GenerateOptions): AsyncGenerator<GenerateEvent, void, undefined> {
  const { decoder, tokenizer, pool, completion, signal } = options;
  const random = options.random ?? randomSeed;
  throwIfAborted(signal);
  const settings = readSettings(completion, options.defaults ?? {}, decoder.info.vocabularySize, random);
  const { ids, promptTokens, begun, output, over } = beginAnswer(
    { ...options, stops: settings.stops, random },
    decoder.info,
  );
  const ends = new Set([...tokenizer.endIds, ...(options.endIds ?? [])]);
  const choose: ChooseOptions = { ...settings.choose, penalised: begun };
  const constraint = createConstraint(completion.response_format, tokenizer, ends, begun);
  const breather = new Breather();

  if (over !== null) {
    yield { type: 'prefilled', promptTokens, cachedTokens: promptTokens };
    yield* ending(output, over, promptTokens, 0);
    return;
  }
  const lease = pool.borrow(ids);
  try {
    const cachedTokens = Math.min(lease.tokens.length, promptTokens);
    const rest = await prefill(lease, ids, decoder.info.prefillChunk ?? usualChunk, breather, signal);
    const { contextLength } = decoder.info;
    const limit = Math.max(1, Math.min(settings.maximumTokens, contextLength));

    let completionTokens = 0;
    let reason: FinishReason | null = null;
    /** What the sequence holds once the next choice is handed out: all but that choice. */
    let appended: readonly number[] = rest;
    const wanted = { tokens: rest, choose, limit, endIds: ends, signal };
    const choices =
      constraint === null ? lease.sequence.decode(wanted) : constrainedDecode(lease.sequence, wanted, constraint);
    for await (const choice of choices) {
      lease.tokens.push(...appended);
      if (appended === rest) yield { type: 'prefilled', promptTokens, cachedTokens };
      appended = [choice.id];
      if (ends.has(choice.id)) {
        reason = 'stop';
        break;
      }
      completionTokens += 1;
      const { text, stopped } = output.push(choice.id);
      if (stopped || constraint?.complete === true) reason = 'stop';
      else if (completionTokens >= settings.maximumTokens) reason = 'length';
      else if (lease.tokens.length >= contextLength) reason = 'length';
      const logprobs = logprobEntry(choice, tokenizer);
      yield {
        type: 'delta',
        text,
        tokens: 1,
        ids: [choice.id],
        ...(logprobs === null ? {} : { logprobs: [logprobs] }),
      };
      if (reason !== null) break;
      await breather.breathe();
      throwIfAborted(signal);
    }
    if (reason === null) throw new EngineError('internal', 'The decoder chose no token.');

    yield* ending(output, reason, promptTokens, completionTokens);
  } catch (error) {
    // After an abort the sequence holds what was handed out but the last; after anything else nobody can be sure.
    if (EngineError.from(error).code !== 'aborted') pool.discard(lease);
    throw error;
  } finally {
    pool.giveBack(lease);
  }
}

/** What was held back, and the end. */
function* ending(
  output: Output,
  reason: FinishReason,
  promptTokens: number,
  completionTokens: number,
): Generator<GenerateEvent, void, undefined> {
  const last = output.flush();
  if (last !== '') yield { type: 'delta', text: last, tokens: 0, ids: [] };
  const { toolCalls } = output;
  const finishReason = toolCalls.length > 0 && reason === 'stop' ? 'tool_calls' : reason;
  const calls = toolCalls.length > 0 ? { toolCalls } : {};
  yield { type: 'end', finishReason, promptTokens, completionTokens, ...calls };
}

/** Appends what the sequence lacks of the prompt, but for its end. @returns that end, at least one token */
async function prefill(
  lease: Lease,
  prompt: readonly number[],
  chunkLength: number,
  breather: Breather,
  signal: AbortSignal,
): Promise<readonly number[]> {
  for (;;) {
    throwIfAborted(signal);
    const chunk = prompt.slice(lease.tokens.length, lease.tokens.length + chunkLength);
    if (lease.tokens.length + chunk.length === prompt.length) return chunk;
    await lease.sequence.append({ tokens: chunk, at: 'none', signal });
    lease.tokens.push(...chunk);
    await breather.breathe();
  }
}

function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new EngineError('aborted', 'The request was stopped.', { cause: signal.reason });
}

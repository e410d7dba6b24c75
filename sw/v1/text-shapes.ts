// OpenAI's older completions (API reference, "Completions", legacy): their request as ours, our chat chunks as theirs.
// Pure; called by endpoint.ts. One text in, one text out: several prompts, token ids, `best_of`, `suffix` and `echo` are
// refused by name. `max_tokens` is 16 where nobody says otherwise, as it is there.

import * as v from 'valibot';
import type { ChatCompletionChunk, CompletionUsage, FinishReason, LogprobEntry } from '../../engine/protocol/chat.js';
import { check } from '../../engine/protocol/check.js';
import { EngineError } from '../../engine/protocol/errors.js';
import { parseTextCompletionRequest, type TextCompletionRequest } from '../../engine/protocol/text-completion.js';

const edges: readonly (readonly [field: string, served: readonly unknown[], why: string])[] = [
  ['n', [1], 'one request gives one answer'],
  ['best_of', [1], 'one request gives one answer'],
  ['suffix', [''], 'a text is continued at its end only'],
  ['echo', [false], 'the prompt is not sent back'],
];

const promptSchema = v.object({
  prompt: v.union(
    [
      v.string(),
      v.pipe(
        v.strictTuple([v.string()]),
        v.transform(([text]) => text),
      ),
    ],
    'one text is wanted (no token ids, no list of several)',
  ),
  max_tokens: v.nullish(v.unknown(), 16),
  /** How many alternatives to tell of each token. */
  logprobs: v.nullish(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(5))),
});

/** @throws EngineError `invalid-request` naming the field */
export function textRequest(body: Readonly<Record<string, unknown>>): TextCompletionRequest {
  const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
  for (const [field, served, why] of edges) {
    if (given[field] === undefined || served.includes(given[field])) continue;
    throw new EngineError('invalid-request', `the request, ${field}: ${why}`, { hint: 'Leave it out.' });
  }
  const { prompt, max_tokens, logprobs } = check(promptSchema, given, 'the request');
  delete given['logprobs'];
  const wanted = logprobs === null || logprobs === undefined ? {} : { logprobs: true, top_logprobs: logprobs };
  return parseTextCompletionRequest({ ...given, ...wanted, prompt, max_tokens });
}

interface TextLogprobs {
  readonly tokens: string[];
  readonly token_logprobs: number[];
  readonly top_logprobs: Record<string, number>[];
  readonly text_offset: number[];
}

/** Makes the lines of one stream, and the whole answer. */
export class TextShaper {
  #text = '';
  #offset = 0;
  readonly #entries: LogprobEntry[] = [];
  #last: ChatCompletionChunk | null = null;

  /** @param withUsage `stream_options.include_usage` */
  constructor(private readonly withUsage: boolean) {}

  /** @returns the objects to send for this chunk, in order */
  readonly chunk = (chunk: ChatCompletionChunk): readonly unknown[] => {
    const [{ delta, finish_reason, logprobs }] = chunk.choices;
    const text = delta.content ?? '';
    const entries = logprobs?.content ?? [];
    this.#text += text;
    this.#entries.push(...entries);
    this.#last = chunk;
    if (text === '' && finish_reason === null && entries.length === 0) return []; // the role: nothing of theirs
    const wanted = this.withUsage ? { usage: null } : {};
    const told = { ...facts(chunk), choices: [choice(text, finish_reason, this.#told(entries))], ...wanted };
    const last = this.withUsage && chunk.usage ? [{ ...facts(chunk), choices: [], usage: chunk.usage }] : [];
    return [told, ...last];
  };

  /** After the last chunk. @throws EngineError `internal` when there was none */
  whole(): unknown {
    const last = this.#last;
    const [{ finish_reason = null } = {}] = last?.choices ?? [];
    const usage: CompletionUsage | undefined = last?.usage;
    if (last === null || finish_reason === null || usage === undefined) {
      throw new EngineError('internal', 'The answer ended without its last part.', { hint: 'Send the request again.' });
    }
    this.#offset = 0;
    return { ...facts(last), choices: [choice(this.#text, finish_reason, this.#told(this.#entries))], usage };
  }

  #told(entries: readonly LogprobEntry[]): TextLogprobs | null {
    if (entries.length === 0) return null;
    const told: TextLogprobs = { tokens: [], token_logprobs: [], top_logprobs: [], text_offset: [] };
    for (const { token, logprob, top_logprobs } of entries) {
      told.tokens.push(token);
      told.token_logprobs.push(logprob);
      told.top_logprobs.push(Object.fromEntries(top_logprobs.map((other) => [other.token, other.logprob])));
      told.text_offset.push(this.#offset);
      this.#offset += token.length;
    }
    return told;
  }
}

const choice = (text: string, finish_reason: FinishReason | null, logprobs: TextLogprobs | null) => ({
  index: 0,
  text,
  logprobs,
  finish_reason,
});

const facts = ({ id, created, model, llm }: ChatCompletionChunk) => ({
  id: id.replace(/^chatcmpl-/, 'cmpl-'),
  object: 'text_completion',
  created,
  model,
  llm,
});

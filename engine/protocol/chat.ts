// Chat requests and answers in OpenAI's `chat.completions` shapes (the subset we serve), with schemas for what
// arrives on a port or over HTTP. One definition for the client, the host, the backends and the cloud.
// Source: the OpenAI API reference, "Chat completions". Unknown fields are dropped, wrong ones refused, and so are those
// that we cannot serve (`request-edges.ts`). What OpenAI lets a caller write in several ways comes out in one: content
// as a string, `developer` as `system`, `tool_choice: 'none'` as no tools.

import * as v from 'valibot';
import { check } from './check.js';
import { refuseUnserved } from './request-edges.js';
import { responseFormatSchema } from './response-format.js';

/** Characters of all messages together. A context of a million tokens is some four million characters. */
const totalTextLimit = 16_000_000;

const shortText = v.pipe(v.string(), v.maxLength(1_000));

const toolCallSchema = v.object({
  id: shortText,
  type: v.literal('function'),
  function: v.object({ name: shortText, arguments: v.pipe(v.string(), v.maxLength(1_000_000)) }),
});
/** `arguments` is JSON as text, as OpenAI has it. */
export type ToolCall = v.InferOutput<typeof toolCallSchema>;

const text = v.pipe(v.string(), v.maxLength(4_000_000));

/** OpenAI's names of parts that are no text; safe to repeat in an error. */
const otherParts: readonly unknown[] = ['image_url', 'input_audio', 'file', 'refusal'];

const textPart = v.object({
  type: v.literal('text', ({ input }) =>
    otherParts.includes(input)
      ? `a part of type ${String(input)} cannot be read, only text`
      : 'only text parts are read',
  ),
  text,
});
const textParts = v.pipe(
  v.array(textPart),
  v.maxLength(10_000),
  v.transform((parts) => parts.map((part) => part.text).join('')),
  v.maxLength(4_000_000),
);
/** Text, or a list of text parts, which becomes their text. */
const content = v.lazy((input) => (Array.isArray(input) ? textParts : text));

export const messageSchema = v.variant('role', [
  v.object({
    role: v.pipe(
      v.picklist(['system', 'developer']),
      v.transform((): 'system' => 'system'),
    ),
    content,
  }),
  v.object({ role: v.literal('user'), content }),
  v.object({
    role: v.literal('assistant'),
    content: v.nullish(content, null),
    tool_calls: v.optional(v.pipe(v.array(toolCallSchema), v.maxLength(128))),
  }),
  v.object({ role: v.literal('tool'), content, tool_call_id: shortText }),
]);
export type ChatMessage = v.InferOutput<typeof messageSchema>;

const toolSchema = v.object({
  type: v.literal('function'),
  function: v.object({
    name: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
    description: v.optional(v.pipe(v.string(), v.maxLength(100_000))),
    parameters: v.optional(v.record(v.string(), v.unknown())),
  }),
});
export type Tool = v.InferOutput<typeof toolSchema>;

const inRange = (low: number, high: number) => v.pipe(v.number(), v.finite(), v.minValue(low), v.maxValue(high));
const whole = (low: number, high: number) => v.pipe(v.number(), v.integer(), v.minValue(low), v.maxValue(high));

/** What a request says about its answer, whatever it begins with; text-completion.ts has the same. */
export const answerFields = {
  /** Id of a model of the catalogue; absent: the one that is loaded. */
  model: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(2_000))),
  stream: v.optional(v.boolean()),
  temperature: v.optional(inRange(0, 2)),
  top_p: v.optional(inRange(0, 1)),
  top_k: v.optional(whole(0, 1_000_000)),
  min_p: v.optional(inRange(0, 1)),
  presence_penalty: v.optional(inRange(-2, 2)),
  frequency_penalty: v.optional(inRange(-2, 2)),
  /** Not OpenAI's, but every local engine's: 1 is off. */
  repetition_penalty: v.optional(inRange(0.01, 10)),
  logit_bias: v.optional(
    v.pipe(
      v.record(v.pipe(v.string(), v.regex(/^\d{1,9}$/, 'a key is no token id')), inRange(-100, 100)),
      v.maxEntries(10_000),
    ),
  ),
  seed: v.optional(whole(0, Number.MAX_SAFE_INTEGER)),
  stop: v.optional(v.union([shortText, v.pipe(v.array(shortText), v.maxLength(64))])),
  /** Not OpenAI's: a `background` request waits for every `interactive` one (the default), but never for ever. */
  priority: v.optional(v.picklist(['interactive', 'background'])),
  max_tokens: v.optional(whole(1, 10_000_000)),
  max_completion_tokens: v.optional(whole(1, 10_000_000)),
  /** The form that the answer must have; it is held while the answer is written. */
  response_format: v.optional(responseFormatSchema),
  logprobs: v.optional(v.boolean()),
  top_logprobs: v.optional(whole(0, 20)),
  /**
   * The part of the answer that exists already: what comes continues it, and counts with it towards `max_tokens`. The
   * client sends it by itself when the engine died in mid-answer.
   */
  resume: v.optional(
    v.object({
      text,
      /** The tokens that `text` came of; with them the answer is the one it would have been. */
      tokenIds: v.optional(v.pipe(v.array(whole(0, 100_000_000)), v.maxLength(2_000_000))),
    }),
  ),
};
/** See the request's `resume`. */
export interface AnswerSoFar {
  readonly text: string;
  readonly tokenIds?: readonly number[] | undefined;
}

const requestSchema = v.object({
  messages: v.pipe(
    v.array(messageSchema),
    v.minLength(1, 'messages is empty'),
    v.maxLength(10_000),
    v.check(
      (messages) => messages.reduce((sum, message) => sum + (message.content?.length ?? 0), 0) <= totalTextLimit,
      `the messages are longer than ${totalTextLimit} characters together`,
    ),
  ),
  tools: v.optional(v.pipe(v.array(toolSchema), v.maxLength(128))),
  ...answerFields,
});
/** A request as everyone behind the door sees it. */
export type ChatCompletionRequest = v.InferOutput<typeof requestSchema>;

/** A request as a caller may write it: more ways to say the same, and OpenAI's fields that change nothing here. */
export type ChatCompletionInput = v.InferInput<typeof requestSchema> & {
  /** `none`: the tools are not shown to the model. */
  readonly tool_choice?: 'auto' | 'none';
  readonly n?: 1;
  readonly user?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  /** The last chunk has the usage either way. */
  readonly stream_options?: { readonly include_usage?: boolean };
  readonly parallel_tool_calls?: boolean;
  readonly service_tier?: string;
  readonly modalities?: readonly ['text'];
  readonly store?: false;
};

/**
 * Checks a request that came from outside. What it returns passes it again unchanged.
 * @throws EngineError `invalid-request` naming the field
 */
export function parseChatCompletionRequest(value: unknown): ChatCompletionRequest {
  const fields = withoutNulls(value);
  if (fields === null) return check(requestSchema, value, 'the request');
  refuseUnserved(fields);
  const request = check(requestSchema, fields, 'the request');
  if (fields['tool_choice'] === 'none') delete request.tools;
  return request;
}

/** OpenAI's types have null for "not set" in most optional fields. @returns null when it is no object */
function withoutNulls(value: unknown): Record<string, unknown> | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null));
}

/** `length`: max tokens or the context's end. */
export type FinishReason = 'stop' | 'length' | 'tool_calls';

export interface LogprobEntry {
  readonly token: string;
  readonly logprob: number;
  /** UTF-8 bytes of the token. */
  readonly bytes: readonly number[];
  readonly top_logprobs: readonly {
    readonly token: string;
    readonly logprob: number;
    readonly bytes: readonly number[];
  }[];
}

export interface CompletionUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

/** Who answered; ours, beside OpenAI's fields. */
export interface Provenance {
  readonly backend: 'local' | 'cloud';
  readonly model: string;
}

export interface ChatCompletionChunk {
  readonly id: string;
  readonly object: 'chat.completion.chunk';
  /** Seconds since 1970. */
  readonly created: number;
  readonly model: string;
  readonly choices: readonly [
    {
      readonly index: 0;
      readonly delta: {
        readonly role?: 'assistant';
        readonly content?: string;
        readonly tool_calls?: readonly (ToolCall & { readonly index: number })[];
      };
      readonly finish_reason: FinishReason | null;
      readonly logprobs?: { readonly content: readonly LogprobEntry[] };
    },
  ];
  /** On the last chunk. */
  readonly usage?: CompletionUsage;
  /** `tokenIds`: the tokens of this part, so that an answer that breaks off can go on from them; not the cloud's. */
  readonly llm: Provenance & { readonly tokenIds?: readonly number[] };
}

export interface ChatCompletion {
  readonly id: string;
  readonly object: 'chat.completion';
  readonly created: number;
  readonly model: string;
  readonly choices: readonly [
    {
      readonly index: 0;
      readonly message: {
        readonly role: 'assistant';
        readonly content: string;
        readonly tool_calls?: readonly ToolCall[];
      };
      readonly finish_reason: FinishReason;
      readonly logprobs?: { readonly content: readonly LogprobEntry[] };
    },
  ];
  readonly usage: CompletionUsage;
  readonly llm: Provenance;
}

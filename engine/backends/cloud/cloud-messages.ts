// What is sent to an OpenAI-compatible endpoint and what is accepted from it. Called by the cloud backend. Sent is the
// least that serves: OpenAI's own fields, no identity of the visitor, page or device. Accepted is only what a schema
// knows, because an endpoint is as untrusted as any sender. Source: the OpenAI API reference, "Chat completions".

import * as v from 'valibot';
import { check } from '../../protocol/check.js';
import { EngineError } from '../../protocol/errors.js';
import type { ChatMessage, FinishReason, LogprobEntry } from '../../protocol/chat.js';
import type { ResponseFormat } from '../../protocol/response-format.js';
import { cloudModelId } from '../../protocol/state.js';
import { isTextCompletion, type CompletionRequest } from '../../protocol/text-completion.js';

/**
 * The request's body. A partial answer goes as a last assistant message, which servers of open models continue.
 * Fields that only local engines know are left out, and so is `logit_bias` unless the cloud was asked for by name: its
 * keys are token ids of the model it was written for.
 * @throws EngineError `invalid-request` for a bare text: few endpoints continue one, and none was asked whether it does;
 * for a form that no endpoint knows
 */
export function cloudBody(request: CompletionRequest, model: string | null, partialAnswer: string): unknown {
  if (isTextCompletion(request)) {
    throw new EngineError('invalid-request', 'A text without messages is continued on this device only.', {
      hint: 'Send it as a message, or choose a model that runs on this device.',
    });
  }
  const messages: ChatMessage[] = [...request.messages];
  if (partialAnswer !== '') messages.push({ role: 'assistant', content: partialAnswer });
  const { temperature, top_p, presence_penalty, frequency_penalty, seed, stop, tools, logprobs, top_logprobs } =
    request;
  const limit =
    request.max_completion_tokens === undefined
      ? { max_tokens: request.max_tokens }
      : { max_completion_tokens: request.max_completion_tokens };
  const logit_bias = request.model === cloudModelId ? request.logit_bias : undefined;
  const { response_format } = request;
  if (response_format?.type === 'regex') {
    throw new EngineError('invalid-request', 'The cloud cannot hold an answer to a regular expression.', {
      hint: 'Ask for JSON by a schema, or choose a model that runs on this device.',
    });
  }
  // JSON.stringify leaves out what is undefined.
  return {
    model: model ?? undefined,
    messages,
    stream: true,
    stream_options: { include_usage: true },
    temperature,
    top_p,
    presence_penalty,
    frequency_penalty,
    logit_bias,
    response_format: namedFormat(response_format),
    seed,
    stop,
    tools,
    logprobs,
    top_logprobs,
    ...limit,
  };
}

/** Endpoints want a schema to have a name. */
function namedFormat(format: ResponseFormat | undefined): unknown {
  if (format?.type !== 'json_schema') return format;
  return { ...format, json_schema: { ...format.json_schema, name: format.json_schema.name ?? 'answer' } };
}

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const shortText = v.pipe(v.string(), v.maxLength(1_000));
const logprob = {
  token: shortText,
  logprob: v.number(),
  bytes: v.nullish(v.pipe(v.array(v.number()), v.maxLength(1_000))),
};

const chunkSchema = v.object({
  error: v.optional(v.unknown()),
  choices: v.optional(
    v.array(
      v.object({
        index: v.optional(v.number()),
        delta: v.optional(
          v.object({
            content: v.nullish(v.string()),
            tool_calls: v.nullish(
              v.array(
                v.object({
                  index: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(127)),
                  id: v.nullish(shortText),
                  function: v.nullish(v.object({ name: v.nullish(v.string()), arguments: v.nullish(v.string()) })),
                }),
              ),
            ),
          }),
        ),
        finish_reason: v.nullish(v.string()),
        logprobs: v.nullish(
          v.object({
            content: v.nullish(
              v.pipe(
                v.array(
                  v.object({
                    ...logprob,
                    top_logprobs: v.optional(v.pipe(v.array(v.object(logprob)), v.maxLength(20)), []),
                  }),
                ),
                v.maxLength(1_000),
              ),
            ),
          }),
        ),
      }),
    ),
    [],
  ),
  usage: v.nullish(v.object({ prompt_tokens: count, completion_tokens: count })),
});

export type CloudChunk = v.InferOutput<typeof chunkSchema>;
export type CloudChoice = CloudChunk['choices'][number];

const hint = 'Try again. If it stays so, tell the owner of this site.';

/** @throws EngineError `cloud-failed`; what the endpoint sent is not quoted, for it may hold the question or a key */
export function parseCloudChunk(data: string): CloudChunk {
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch (error) {
    throw new EngineError('cloud-failed', 'The cloud sent something that is no JSON.', { hint, cause: error });
  }
  const chunk = check(chunkSchema, value, "the cloud's answer", 'cloud-failed', hint);
  if (chunk.error !== undefined && chunk.error !== null) {
    throw new EngineError('cloud-failed', 'The cloud broke its answer off with an error.', { hint });
  }
  return chunk;
}

/** An unknown reason (a content filter, say) ends an answer like any stop. */
export function finishReasonOf(reason: string): FinishReason {
  return reason === 'length' || reason === 'tool_calls' ? reason : 'stop';
}

export function logprobsOf(choice: CloudChoice): LogprobEntry[] {
  const bytesOf = (entry: { token: string; bytes?: number[] | null | undefined }): readonly number[] =>
    entry.bytes ?? [...new TextEncoder().encode(entry.token)];
  return (choice.logprobs?.content ?? []).map((entry) => ({
    token: entry.token,
    logprob: entry.logprob,
    bytes: bytesOf(entry),
    top_logprobs: entry.top_logprobs.map((other) => ({
      token: other.token,
      logprob: other.logprob,
      bytes: bytesOf(other),
    })),
  }));
}

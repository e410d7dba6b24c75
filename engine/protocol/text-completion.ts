// A request that goes on with a text of the caller's as it stands, without messages and without the model's chat template
// (OpenAI's older `completions`; what base models and callers with a template of their own want). It takes the same road
// as a chat request from the port to the decoder; `isTextCompletion` tells the two apart. Made by the client's
// `continueText` and by the service worker's `/v1/completions`; its answer comes as chat chunks like any other.

import * as v from 'valibot';
import { answerFields, parseChatCompletionRequest, type ChatCompletionRequest } from './chat.js';
import { check } from './check.js';

const requestSchema = v.object({
  /** Control tokens written in it count: the text is the caller's own, and so is what strangers wrote into it. */
  prompt: v.pipe(v.string(), v.maxLength(16_000_000)),
  ...answerFields,
});
export type TextCompletionRequest = v.InferOutput<typeof requestSchema> & {
  readonly messages?: never;
  readonly tools?: never;
};

/** Whatever a model can be asked for. */
export type CompletionRequest = ChatCompletionRequest | TextCompletionRequest;

export const isTextCompletion = (request: CompletionRequest): request is TextCompletionRequest => 'prompt' in request;

/**
 * Checks a request that came from outside.
 * @throws EngineError `invalid-request` naming the field
 */
export const parseTextCompletionRequest = (value: unknown): TextCompletionRequest =>
  check(requestSchema, value, 'the request');

/**
 * Checks a request of either kind; one with a `prompt` and no `messages` is a text completion.
 * @throws EngineError `invalid-request` naming the field
 */
export function parseCompletionRequest(value: unknown): CompletionRequest {
  const has = (field: string): boolean => typeof value === 'object' && value !== null && Object.hasOwn(value, field);
  return has('prompt') && !has('messages') ? parseTextCompletionRequest(value) : parseChatCompletionRequest(value);
}

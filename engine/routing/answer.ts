// One answer over whichever backends it takes: begins with the first route and, when that one's device fails in
// mid-answer, hands the text so far to the next (once), so that the answer continues and does not begin again.
// Called by Answering (host/) for each request; knows backends only by their contract. Errors of the request, the model
// or the network end the answer at once, and so does a second failure.

import { EngineError } from '../protocol/errors.js';
import type { Provenance } from '../protocol/chat.js';
import type { CompletionRequest } from '../protocol/text-completion.js';
import type { Backend, BackendEvent } from '../backends/backend.js';
import { isDeviceFailure } from './ladder.js';

export interface Route {
  readonly backend: Backend;
  readonly provenance: Provenance;
}

export interface RouteSource {
  /** Who begins. May load a model, which takes as long as it takes. */
  first(signal: AbortSignal): Promise<Route>;
  /** Who continues after `error`; null when nobody can. */
  next(error: EngineError, signal: AbortSignal): Promise<Route | null>;
}

export type RoutedEvent =
  /** From here on this route answers. */
  { readonly type: 'route'; readonly route: Route } | BackendEvent;

interface Progress {
  text: string;
  tokens: number;
  /** Of the first backend: a continuation counts the partial answer as prompt. */
  promptTokens: number | null;
}

/**
 * @throws EngineError of the backend; `aborted` (or the signal's own reason, if it is an EngineError) when stopped;
 * `internal` when a backend ends without saying so
 */
export async function* answer(
  completion: CompletionRequest,
  routes: RouteSource,
  signal: AbortSignal,
): AsyncGenerator<RoutedEvent, void, undefined> {
  const progress: Progress = { text: '', tokens: 0, promptTokens: null };
  const route = await routes.first(signal);
  try {
    yield* attempt(completion, route, progress, signal);
    return;
  } catch (thrown) {
    const error = whyStopped(thrown, signal);
    if (signal.aborted || !isDeviceFailure(error)) throw error;
    const following = await routes.next(error, signal);
    if (following === null) throw error;
    const limit = tokenLimit(completion);
    if (limit !== null && progress.tokens >= limit) {
      // It failed after the last token it was to make: nothing is left to continue.
      yield { type: 'end', finishReason: 'length', ...totals(progress, 0, 0) };
      return;
    }
    try {
      yield* attempt(withLimit(completion, limit, progress.tokens), following, progress, signal);
    } catch (again) {
      throw whyStopped(again, signal);
    }
  }
}

async function* attempt(
  completion: CompletionRequest,
  route: Route,
  progress: Progress,
  signal: AbortSignal,
): AsyncGenerator<RoutedEvent, void, undefined> {
  yield { type: 'route', route };
  const before = progress.tokens;
  for await (const event of route.backend.stream({ completion, partialAnswer: progress.text, signal })) {
    signal.throwIfAborted();
    if (event.type === 'prefilled') {
      progress.promptTokens ??= event.promptTokens;
      yield { ...event, promptTokens: progress.promptTokens };
    } else if (event.type === 'delta') {
      progress.text += event.text;
      progress.tokens += event.tokens;
      yield event;
    } else {
      yield { ...event, ...totals({ ...progress, tokens: before }, event.promptTokens, event.completionTokens) };
      return;
    }
  }
  throw new EngineError('internal', `The ${route.provenance.backend} model stopped without ending its answer.`, {
    hint: 'Please report this. The next request may work.',
  });
}

function totals(progress: Progress, promptTokens: number, completionTokens: number) {
  return {
    promptTokens: progress.promptTokens ?? promptTokens,
    completionTokens: progress.tokens + completionTokens,
  };
}

function tokenLimit(completion: CompletionRequest): number | null {
  return completion.max_completion_tokens ?? completion.max_tokens ?? null;
}

/** The same request with what is left of its token limit. */
function withLimit(completion: CompletionRequest, limit: number | null, used: number): CompletionRequest {
  if (limit === null) return completion;
  const rest = { ...completion, max_tokens: limit - used };
  delete rest.max_completion_tokens;
  return rest;
}

/** An abort's own reason (the visitor stopped it, the cloud switch went off) says more than what it broke. */
function whyStopped(thrown: unknown, signal: AbortSignal): EngineError {
  return signal.aborted ? EngineError.from(signal.reason) : EngineError.from(thrown);
}

// One answer over whichever backends it takes: begins with the first route and, when that one's device fails in
// mid-answer, hands what it said to the next, so that the answer continues and does not begin again: its tokens where they
// are known, its text otherwise. A request may bring such a beginning itself (`resume`).
// Called by Answering (host/) for each request; knows backends only by their contract. Errors of the request, the model
// or the network end the answer at once, and so does a device that goes on failing.

import { EngineError } from '../protocol/errors.js';
import type { Provenance } from '../protocol/chat.js';
import type { CompletionRequest } from '../protocol/text-completion.js';
import type { Backend, BackendEvent } from '../backends/backend.js';
import { isDeviceFailure, type Rung } from './ladder.js';

export interface Route {
  readonly backend: Backend;
  readonly provenance: Provenance;
  /** What computes it. */
  readonly device: Rung;
}

export interface RouteSource {
  /** Who begins. May load a model, which takes as long as it takes. */
  first(signal: AbortSignal): Promise<Route>;
  /** Who continues after `failed` did, which may be the same device again; null when nobody can. */
  next(error: EngineError, failed: Route, signal: AbortSignal): Promise<Route | null>;
}

export type RoutedEvent =
  /** From here on this route answers. */
  { readonly type: 'route'; readonly route: Route } | BackendEvent;

/** Routes that one answer may take, whatever the route source thinks: an answer that kills every device ends. */
const mostRoutes = 8;

/** What a character of an answer counts in tokens where nobody counted them (a cloud's answer that is resumed). */
const tokensPerCharacter = 1 / 4;

interface Progress {
  text: string;
  /** Null where one backend did not tell. */
  ids: number[] | null;
  tokens: number;
  /** Of the first backend: a continuation counts the partial answer as prompt. */
  promptTokens: number | null;
}

function beginning({ resume }: CompletionRequest): Progress {
  const { text = '', tokenIds } = resume ?? {};
  const ids = tokenIds === undefined && text !== '' ? null : [...(tokenIds ?? [])];
  return { text, ids, tokens: ids?.length ?? Math.ceil(text.length * tokensPerCharacter), promptTokens: null };
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
  const progress = beginning(completion);
  const limit = tokenLimit(completion);
  let route = await routes.first(signal);
  for (let taken = 1; ; taken++) {
    const over = limit !== null && progress.tokens >= limit;
    if (taken === 1 || !over) yield { type: 'route', route };
    if (over) {
      // It failed after the last token it was to make: nothing is left to continue.
      yield { type: 'end', finishReason: 'length', ...totals(progress, 0, 0) };
      return;
    }
    try {
      yield* attempt(withLimit(completion, limit, progress.tokens), route, progress, signal);
      return;
    } catch (thrown) {
      const error = whyStopped(thrown, signal);
      if (signal.aborted || !isDeviceFailure(error) || taken === mostRoutes) throw error;
      const following = await routes.next(error, route, signal);
      if (following === null) throw error;
      route = following;
    }
  }
}

async function* attempt(
  completion: CompletionRequest,
  route: Route,
  progress: Progress,
  signal: AbortSignal,
): AsyncGenerator<RoutedEvent, void, undefined> {
  const { text, ids, tokens: before } = progress;
  const partialIds = ids === null || ids.length === 0 ? {} : { partialIds: [...ids] };
  for await (const event of route.backend.stream({ completion, partialAnswer: text, ...partialIds, signal })) {
    signal.throwIfAborted();
    if (event.type === 'prefilled') {
      progress.promptTokens ??= event.promptTokens;
      yield { ...event, promptTokens: progress.promptTokens };
    } else if (event.type === 'delta') {
      progress.text += event.text;
      if (event.ids === undefined) progress.ids = null;
      else progress.ids?.push(...event.ids);
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
  if (limit === null || used === 0) return completion;
  const rest = { ...completion, max_tokens: limit - used };
  delete rest.max_completion_tokens;
  return rest;
}

/** An abort's own reason (the visitor stopped it, the cloud switch went off) says more than what it broke. */
function whyStopped(thrown: unknown, signal: AbortSignal): EngineError {
  return signal.aborted ? EngineError.from(signal.reason) : EngineError.from(thrown);
}

// The backend that answers from an OpenAI-compatible endpoint (vLLM, Ollama, llama-server, a vendor behind the site's
// relay). Made by the host when the site set an endpoint; whether it may be used at all is decided before it is called.
// Holds no key: a site that needs one puts a relay in between. What goes wrong before the first token is tried again
// (cloud-request.ts); after it, the text that came stands and a typed error says what happened.

import { EngineError } from '../../protocol/errors.js';
import type { FinishReason, ToolCall } from '../../protocol/chat.js';
import { cloudModelId } from '../../protocol/state.js';
import type { Backend, BackendEvent, BackendInfo, BackendRequest } from '../backend.js';
import { cloudBody, finishReasonOf, logprobsOf, parseCloudChunk, type CloudChoice } from './cloud-messages.js';
import { openCloudStream, type CloudEnvironment } from './cloud-request.js';
import { readEvents } from './sse.js';

export interface CloudOptions {
  /** "https://host/v1"; the path of chat completions is added. */
  readonly baseUrl: string;
  /** Null leaves the choice to the endpoint. */
  readonly model: string | null;
  /** Passed in by tests. */
  readonly environment?: Partial<CloudEnvironment>;
}

/** Limits on what an endpoint may send, in characters. */
const longestEvent = 1_000_000;
const longestAnswer = 4_000_000;

const usual: CloudEnvironment = {
  fetch: (input, init) => globalThis.fetch(input, init),
  pause: (milliseconds, signal) =>
    new Promise((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(timer);
        reject(EngineError.from(signal.reason));
      };
      const timer = setTimeout(() => {
        signal.removeEventListener('abort', stop);
        resolve();
      }, milliseconds);
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop, { once: true });
    }),
  random: Math.random,
  now: Date.now,
  stallTimeout: 30_000,
};

export function createCloudBackend({ baseUrl, model, environment }: CloudOptions): Backend {
  const base = new URL(baseUrl);
  const url = `${base.origin}${base.pathname.replace(/\/+$/, '')}/chat/completions${base.search}`;
  return new CloudBackend(url, model ?? base.host, model, { ...usual, ...environment });
}

class CloudBackend implements Backend {
  readonly info: BackendInfo;
  readonly #disposed = new AbortController();

  constructor(
    private readonly url: string,
    modelName: string,
    private readonly model: string | null,
    private readonly environment: CloudEnvironment,
  ) {
    this.info = { kind: 'cloud', modelId: cloudModelId, modelName, leavesDevice: true };
  }

  async *stream(request: BackendRequest): AsyncGenerator<BackendEvent, void, undefined> {
    const signal = AbortSignal.any([request.signal, this.#disposed.signal]);
    try {
      signal.throwIfAborted();
      const body = cloudBody(request.completion, this.model, request.partialAnswer);
      yield* this.#read(await openCloudStream(this.url, body, signal, this.environment));
    } catch (error) {
      if (signal.aborted) throw EngineError.from(signal.reason);
      if (error instanceof EngineError) throw error;
      // What a body's reader throws: the connection broke in the middle.
      throw new EngineError('network', 'The connection to the cloud broke in the middle of the answer.', {
        hint: 'What had arrived is kept. Try again.',
        cause: error,
      });
    }
  }

  async dispose(): Promise<void> {
    this.#disposed.abort(new EngineError('aborted', 'The cloud was switched off.'));
  }

  async *#read(body: ReadableStream<Uint8Array>): AsyncGenerator<BackendEvent, void, undefined> {
    let finish: FinishReason | null = null;
    let usage = { prompt_tokens: 0, completion_tokens: 0 };
    let messages = 0;
    let length = 0;
    const calls = new ToolCalls();
    const { stallTimeout } = this.environment;
    for await (const data of readEvents(body, { stallTimeout, longestEvent })) {
      if (data.trim() === '[DONE]') break;
      const chunk = parseCloudChunk(data);
      if (chunk.usage) usage = chunk.usage;
      const choice = chunk.choices.find(({ index }) => index === undefined || index === 0);
      if (!choice) continue;
      calls.add(choice);
      if (choice.finish_reason) finish = finishReasonOf(choice.finish_reason);
      const text = choice.delta?.content ?? '';
      if (text === '') continue;
      length += text.length;
      if (length > longestAnswer) throw new EngineError('cloud-failed', 'The answer of the cloud has no end.');
      messages++;
      const logprobs = logprobsOf(choice);
      yield { type: 'delta', text, tokens: 1, ...(logprobs.length > 0 && { logprobs }) };
    }
    if (finish === null) {
      throw new EngineError('cloud-failed', 'The cloud broke off in the middle of its answer.', {
        hint: 'What had arrived is kept. Try again.',
      });
    }
    const toolCalls = calls.done();
    yield {
      type: 'end',
      finishReason: finish,
      promptTokens: usage.prompt_tokens,
      completionTokens: usage.completion_tokens || messages,
      ...(toolCalls.length > 0 && { toolCalls }),
    };
  }
}

/** Tool calls come in pieces: the name first, the arguments as text bit by bit, told apart by index. */
class ToolCalls {
  readonly #calls = new Map<number, { id: string; name: string; arguments: string }>();

  add(choice: CloudChoice): void {
    for (const piece of choice.delta?.tool_calls ?? []) {
      const call = this.#calls.get(piece.index) ?? { id: '', name: '', arguments: '' };
      call.id ||= piece.id ?? '';
      call.name += piece.function?.name ?? '';
      call.arguments += piece.function?.arguments ?? '';
      if (call.name.length > 1_000 || call.arguments.length > 1_000_000) {
        throw new EngineError('cloud-failed', 'The cloud asked for a tool without an end.');
      }
      this.#calls.set(piece.index, call);
    }
  }

  done(): ToolCall[] {
    return [...this.#calls]
      .sort(([first], [second]) => first - second)
      .map(([index, { id, name, arguments: given }]) => ({
        id: id || `call_${index}`,
        type: 'function',
        function: { name, arguments: given },
      }));
  }
}

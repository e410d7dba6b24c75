// `engine.chat.completions`: OpenAI's call over the port. With `stream: true` an async iterable of chunks, without it
// the whole answer. Called by pages and elements through Engine. Knows nothing of how connections are made: it asks
// for one for each request, so that the next request after a death works.

import { EngineError } from '../protocol/errors.js';
import { parseChatCompletionRequest } from '../protocol/chat.js';
import type { ChatCompletion, ChatCompletionInput, FinishReason, LogprobEntry, ToolCall } from '../protocol/chat.js';
import {
  parseTextCompletionRequest,
  type CompletionRequest,
  type TextCompletionRequest,
} from '../protocol/text-completion.js';
import { ChatCompletionStream } from './chat-stream.js';
import type { Connection } from './connection.js';
import { modelReference } from './locations.js';

export interface RequestOptions {
  readonly signal?: AbortSignal;
  /** Told the place in line: 1 is next, 0 when the answer has begun. */
  readonly onPlace?: (place: number) => void;
}

export interface CompletionsParts {
  /** The connection, made anew if there is none. */
  connected(signal: AbortSignal | undefined): Promise<Connection>;
  /** The model to ask for when the request names none; undefined leaves it to the host. */
  model(): string | undefined;
}

export class Completions {
  constructor(private readonly parts: CompletionsParts) {}

  /**
   * Asks the model. Resolves when the host has admitted the request (streaming) or with the whole answer.
   * @throws EngineError `invalid-request`, `busy`, `consent-required`, `engine-lost`, `aborted`; when streaming,
   * everything that goes wrong later is thrown by the iteration
   */
  create(request: ChatCompletionInput & { stream: true }, options?: RequestOptions): Promise<ChatCompletionStream>;
  create(request: ChatCompletionInput & { stream?: false }, options?: RequestOptions): Promise<ChatCompletion>;
  create(request: ChatCompletionInput, options?: RequestOptions): Promise<ChatCompletionStream | ChatCompletion>;
  async create(
    request: ChatCompletionInput,
    options: RequestOptions = {},
  ): Promise<ChatCompletionStream | ChatCompletion> {
    const checked = parseChatCompletionRequest(request);
    const stream = await this.#begin(checked, options);
    return checked.stream ? stream : await collect(stream);
  }

  /**
   * Goes on with a text as it stands, without the model's chat template. Control tokens written in it count: what
   * strangers wrote belongs into a message instead.
   * @throws EngineError as `create` does
   */
  async continueText(request: TextCompletionRequest, options: RequestOptions = {}): Promise<ChatCompletionStream> {
    return await this.#begin(parseTextCompletionRequest(request), options);
  }

  async #begin(request: CompletionRequest, options: RequestOptions): Promise<ChatCompletionStream> {
    const { signal, onPlace = () => undefined } = options;
    const stopped = (): EngineError => new EngineError('aborted', 'The request was stopped.');
    if (signal?.aborted) throw stopped();
    const connection = await this.parts.connected(signal);
    const { port1, port2 } = new MessageChannel();
    const stream = new ChatCompletionStream({ port: port1, signal, onHeard: () => connection.heard(), onPlace });
    const model = request.model === undefined ? this.parts.model() : modelReference(request.model);
    connection.during(() => stream.finished).catch((error: unknown) => stream.fail(EngineError.from(error)));
    try {
      await connection.call('complete', model === undefined ? request : { ...request, model }, port2);
    } catch (error) {
      stream.fail(EngineError.from(error));
      throw signal?.aborted ? stopped() : error;
    }
    return stream;
  }
}

/** Reads a stream to its end. */
async function collect(stream: ChatCompletionStream): Promise<ChatCompletion> {
  let content = '';
  let finish: FinishReason | null = null;
  const toolCalls: ToolCall[] = [];
  const logprobs: LogprobEntry[] = [];
  for await (const chunk of stream) {
    const [choice] = chunk.choices;
    content += choice.delta.content ?? '';
    for (const { id, type, function: named } of choice.delta.tool_calls ?? [])
      toolCalls.push({ id, type, function: named });
    logprobs.push(...(choice.logprobs?.content ?? []));
    finish = choice.finish_reason ?? finish;
    if (finish === null || chunk.usage === undefined) continue;
    return {
      id: chunk.id,
      object: 'chat.completion',
      created: chunk.created,
      model: chunk.model,
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content, ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls }) },
          finish_reason: finish,
          ...(logprobs.length === 0 ? {} : { logprobs: { content: logprobs } }),
        },
      ],
      usage: chunk.usage,
      llm: chunk.llm,
    };
  }
  throw new EngineError('internal', 'The answer ended without its last part.', { hint: 'Send the request again.' });
}

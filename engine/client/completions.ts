// `engine.chat.completions`: OpenAI's call over the port. With `stream: true` an async iterable of chunks, without it
// the whole answer. Called by pages and elements through Engine. Knows nothing of how connections are made: it asks
// for one for each request, so that the next request after a death works, and for another when the engine died under an
// answer: that goes on from what had come (`resume`), a bounded number of times.

import { EngineError } from '../protocol/errors.js';
import type { AnswerSoFar, ChatCompletion, ChatCompletionInput } from '../protocol/chat.js';
import type { TextCompletionRequest } from '../protocol/text-completion.js';
import { ChatCompletionStream } from './chat-stream.js';
import type { Connection } from './connection.js';
import { given } from './given.js';
import { later } from './later.js';
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
    // Without messages it is refused, and not taken for a text to go on with.
    const asked = copied({ ...({ messages: undefined } as object), ...request });
    // Before anything is asked for: an answer that cannot be put together is not begun.
    const whole = asked.stream ? null : await later(() => import('./collect.js'));
    const stream = await this.#begin(asked, options);
    return whole === null ? stream : await whole.collect(stream);
  }

  /**
   * Goes on with a text as it stands, without the model's chat template. Control tokens written in it count: what
   * strangers wrote belongs into a message instead.
   * @throws EngineError as `create` does
   */
  async continueText(request: TextCompletionRequest, options: RequestOptions = {}): Promise<ChatCompletionStream> {
    const text = { ...request };
    delete text.messages;
    return await this.#begin(copied(text), options);
  }

  async #begin(request: Request, options: RequestOptions): Promise<ChatCompletionStream> {
    const { signal, onPlace = () => undefined } = options;
    if (signal?.aborted) throw stopped();
    const stream = new ChatCompletionStream({ signal, onPlace, resume: answerSoFar(request.resume) });
    await new Promise<void>((admitted, refused) => {
      this.#answer(stream, request, signal, admitted).then(admitted, refused);
    });
    return stream;
  }

  /** Sees the answer through, over as many lives of the engine as it may take. @throws what the stream fails with */
  async #answer(
    stream: ChatCompletionStream,
    request: Request,
    signal: AbortSignal | undefined,
    admitted: () => void,
  ): Promise<void> {
    try {
      for (let lives = 1; !stream.ended; lives++) {
        const connection = await this.parts.connected(signal);
        if (stream.ended) break;
        try {
          await connection.during(() => this.#ask(connection, stream, request, admitted));
        } catch (error) {
          stream.interrupt();
          const lost = EngineError.from(error).code === 'engine-lost' && !connection.silent;
          if (!lost || lives >= livesAllowed) throw error;
        }
      }
    } catch (error) {
      const final = signal?.aborted ? stopped() : EngineError.from(error);
      stream.fail(final);
      throw final;
    }
  }

  async #ask(
    connection: Connection,
    stream: ChatCompletionStream,
    request: Request,
    admitted: () => void,
  ): Promise<void> {
    const { port1, port2 } = new MessageChannel();
    const answered = stream.listen(port1, () => connection.heard());
    answered.catch(() => undefined); // it is waited for below, unless the call fails first
    const { soFar: resume, from } = stream;
    // What was begun by one model is not continued by another, whatever is loaded by now.
    const begun = from?.backend === 'local' ? from.model : this.parts.model();
    const model = typeof request.model === 'string' ? modelReference(request.model) : (request.model ?? begun);
    const whole = { ...request, ...given({ model, resume }) };
    await connection.call('complete', whole, port2);
    admitted();
    await answered;
  }
}

/** As its caller gave it: it is the host that checks it, before it admits it. */
type Request = ChatCompletionInput | TextCompletionRequest;

/**
 * A copy of its own, because an answer may take several engines, and each is asked the same. What cannot be sent as it is
 * (functions beside the fields, a framework's proxies) is copied as what all of a request is: JSON.
 * @throws EngineError `invalid-request` for what is no JSON either
 */
function copied(request: Request): Request {
  try {
    return structuredClone(request);
  } catch {
    try {
      return JSON.parse(JSON.stringify(request)) as Request;
    } catch (cause) {
      throw new EngineError('invalid-request', 'The request cannot be sent: it is no JSON.', {
        hint: 'Send plain texts, numbers, lists and objects.',
        cause,
      });
    }
  }
}

/** What the caller brought of the answer, if it is well formed; otherwise the host refuses it. */
function answerSoFar(resume: unknown): AnswerSoFar | undefined {
  const { text, tokenIds } = (resume ?? {}) as Readonly<Record<keyof AnswerSoFar, unknown>>;
  const fits = typeof text === 'string' && (tokenIds === undefined || Array.isArray(tokenIds));
  return fits ? (resume as AnswerSoFar) : undefined;
}

/** Engines that one answer may outlive, plus one: a request that kills its engine ends. */
const livesAllowed = 4;

const stopped = (): EngineError => new EngineError('aborted', 'The request was stopped.');

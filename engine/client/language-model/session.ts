// One session of the Prompt API over our engine: its messages, and how a prompt is answered by them. Made by
// language-model.ts. The session lives in the page; the engine remembers of it only what its cache of prompts holds, so
// that each further prompt costs its own tokens alone. Prompts of one session are answered one after the other; one that
// fails or is aborted leaves the session as it was.

import type { ChatMessage, ToolCall } from '../../protocol/chat.js';
import type { ResponseFormat } from '../../protocol/response-format.js';
import type { Engine } from '../engine.js';
import { asDomException, quotaExceeded } from './failures.js';
import { asTools, samplingOf, type LanguageModelCreateCoreOptions, type LanguageModelTool } from './options.js';
import { readPrompt, type LanguageModelPrompt } from './prompts.js';

/** What of the engine a session needs; the rest is not its business. */
export type SessionEngine = Pick<Engine, 'chat' | 'countTokens'>;

export interface LanguageModelPromptOptions {
  readonly signal?: AbortSignal;
  /** A JSON schema, or a regular expression that the answer must match. */
  readonly responseConstraint?: object;
  /** The schema is not told to the model, only held. */
  readonly omitResponseConstraintInput?: boolean;
}

/** Rounds of tool calls in one answer: a model that calls for ever is stopped. */
const mostToolRounds = 8;

export class Session {
  readonly #ended = new AbortController();
  #line: Promise<unknown> = Promise.resolve();
  #usage = 0;

  private constructor(
    private readonly engine: SessionEngine,
    private readonly options: LanguageModelCreateCoreOptions,
    private readonly initial: readonly ChatMessage[],
    private messages: readonly ChatMessage[],
    readonly contextWindow: number,
    private readonly overflowed: () => void,
  ) {}

  /** @throws DOMException `QuotaExceededError` when the initial prompts alone do not fit */
  static async open(
    engine: SessionEngine,
    options: LanguageModelCreateCoreOptions,
    initial: readonly ChatMessage[],
    overflowed: () => void,
  ): Promise<Session> {
    const { tokens, contextLength } = await engine.countTokens({
      messages: [...initial, { role: 'user', content: '' }],
    });
    const window = contextLength ?? Infinity;
    if (tokens > window) throw quotaExceeded(tokens, window);
    const session = new Session(engine, options, initial, [], window, overflowed);
    if (initial.length > 0) session.#usage = tokens;
    return session;
  }

  get contextUsage(): number {
    return this.#usage;
  }

  /** Aborted when the session was destroyed. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  clone(overflowed: () => void): Session {
    this.ended.throwIfAborted();
    const { engine, options, initial, messages, contextWindow } = this;
    const copy = new Session(engine, options, initial, messages, contextWindow, overflowed);
    copy.#usage = this.#usage;
    return copy;
  }

  destroy(): void {
    this.#ended.abort(new DOMException('The session was destroyed.', 'AbortError'));
  }

  /** The answer in pieces. @throws DOMException, TypeError */
  async *prompt(
    input: LanguageModelPrompt,
    options: LanguageModelPromptOptions,
  ): AsyncGenerator<string, void, undefined> {
    const { messages, prefix } = readPrompt(input, false);
    const format = formatOf(options);
    const signal = this.#signal(options.signal);
    const turn = await this.#turn(signal);
    try {
      const told = format?.type === 'json_schema' && options.omitResponseConstraintInput !== true;
      const asked = told ? withSchema(messages, format.json_schema.schema) : messages;
      const kept = await this.#room(asked, signal);
      const added: ChatMessage[] = [...messages];
      const tools = this.options.tools ?? [];
      let text = prefix;
      let usage = this.#usage;
      for (let round = 0; ; round++) {
        const stream = await this.engine.chat.completions.create(
          {
            messages: [...this.initial, ...kept, ...asked, ...added.slice(messages.length)],
            stream: true,
            ...samplingOf(this.options),
            ...(tools.length === 0 || round >= mostToolRounds ? {} : { tools: asTools(tools) }),
            ...(format === undefined ? {} : { response_format: format }),
            ...(text === '' ? {} : { resume: { text } }),
          },
          { signal },
        );
        let calls: readonly ToolCall[] = [];
        for await (const chunk of stream) {
          const [choice] = chunk.choices;
          if (choice.delta.tool_calls !== undefined) {
            calls = choice.delta.tool_calls.map(({ id, type, function: called }) => ({ id, type, function: called }));
          }
          if (chunk.usage !== undefined) usage = chunk.usage.total_tokens;
          const { content } = choice.delta;
          if (content === undefined || content === null || content === '') continue;
          text += content;
          yield content;
        }
        const said: ChatMessage = { role: 'assistant', content: text };
        if (calls.length === 0) {
          added.push(said);
          break;
        }
        added.push({ ...said, tool_calls: [...calls] }, ...(await this.#call(calls, tools, signal)));
        text = '';
      }
      this.messages = [...kept, ...added];
      this.#usage = usage;
    } catch (error) {
      throw signal.aborted ? signal.reason : asDomException(error);
    } finally {
      turn();
    }
  }

  async append(input: LanguageModelPrompt, { signal: stop }: { readonly signal?: AbortSignal }): Promise<void> {
    const { messages, prefix } = readPrompt(input, false);
    if (prefix !== '') throw new TypeError('Only a prompt can have a prefix.');
    const signal = this.#signal(stop);
    const turn = await this.#turn(signal);
    try {
      const kept = await this.#room(messages, signal);
      this.messages = [...kept, ...messages];
      this.#usage = await this.#count(this.messages);
    } catch (error) {
      throw signal.aborted ? signal.reason : asDomException(error);
    } finally {
      turn();
    }
  }

  async measure(input: LanguageModelPrompt, options: LanguageModelPromptOptions): Promise<number> {
    if (options.omitResponseConstraintInput === true && options.responseConstraint === undefined) {
      throw new TypeError('omitResponseConstraintInput needs a responseConstraint.');
    }
    const { messages } = readPrompt(input, false);
    const format = formatOf(options);
    const told = format?.type === 'json_schema' && options.omitResponseConstraintInput !== true;
    const signal = this.#signal(options.signal);
    signal.throwIfAborted();
    const asked = told ? withSchema(messages, format.json_schema.schema) : messages;
    const before = this.messages.length === 0 && this.initial.length === 0 ? 0 : await this.#count(this.messages);
    return Math.max(0, (await this.#count([...this.messages, ...asked])) - before);
  }

  /** The messages that are kept so that `more` fits: all, or without the oldest exchanges. The initial ones always stay. */
  async #room(more: readonly ChatMessage[], signal: AbortSignal): Promise<readonly ChatMessage[]> {
    let kept = this.messages;
    for (;;) {
      const needed = await this.#count([...kept, ...more]);
      signal.throwIfAborted();
      if (needed < this.contextWindow) break; // a token at least is left for the answer
      const [, ...rest] = kept;
      if (kept.length === 0) throw quotaExceeded(needed, this.contextWindow);
      const next = rest.findIndex(({ role }) => role === 'user');
      kept = next < 0 ? [] : rest.slice(next);
    }
    if (kept !== this.messages) this.overflowed();
    return kept;
  }

  async #count(messages: readonly ChatMessage[]): Promise<number> {
    try {
      return (await this.engine.countTokens({ messages: [...this.initial, ...messages] })).tokens;
    } catch (error) {
      throw asDomException(error);
    }
  }

  async #call(
    calls: readonly ToolCall[],
    tools: readonly LanguageModelTool[],
    signal: AbortSignal,
  ): Promise<ChatMessage[]> {
    const results = Promise.all(
      calls.map(async ({ id, function: { name, arguments: json } }): Promise<ChatMessage> => {
        const tool = tools.find((one) => one.name === name);
        const content = tool === undefined ? `There is no tool ${name}.` : await resultOf(tool, json);
        return { role: 'tool', tool_call_id: id, content };
      }),
    );
    return await orAborted(results, signal); // a tool is the page's and may never end
  }

  #signal(stop: AbortSignal | undefined): AbortSignal {
    return stop === undefined ? this.ended : AbortSignal.any([this.ended, stop]);
  }

  /** Waits for the prompts before. @returns lets the next one go on */
  async #turn(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    const before = this.#line;
    let done = (): void => undefined;
    const over = new Promise<void>((resolve) => {
      done = resolve;
    });
    this.#line = before.then(() => over);
    try {
      await orAborted(before, signal);
    } catch (error) {
      done(); // those behind it wait for the ones before it all the same
      throw error;
    }
    return done;
  }
}

/** Ends with the signal, whatever the promise does. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    void promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

/** A tool that fails tells the model so; its error is the page's own and is not hidden from the console. */
async function resultOf(tool: LanguageModelTool, json: string): Promise<string> {
  try {
    return String(await tool.execute(JSON.parse(json === '' ? '{}' : json)));
  } catch (error) {
    reportError(error);
    return `The tool ${tool.name} failed.`;
  }
}

function formatOf({ responseConstraint: wanted }: LanguageModelPromptOptions): ResponseFormat | undefined {
  if (wanted === undefined || wanted === null) return undefined;
  if (wanted instanceof RegExp)
    return { type: 'regex', regex: { pattern: wanted.source, flags: wanted.flags, whole: true } };
  if (typeof wanted !== 'object') throw new TypeError('A responseConstraint is a JSON schema or a regular expression.');
  return { type: 'json_schema', json_schema: { schema: { ...wanted } } };
}

/** The last message with the schema behind it: a model that knows what is wanted writes better than one that is only held. */
function withSchema(messages: readonly ChatMessage[], schema: unknown): readonly ChatMessage[] {
  const last = messages.at(-1);
  if (last?.role !== 'user') return messages;
  const content = `${last.content}\n\nAnswer as JSON that fits this schema: ${JSON.stringify(schema)}`;
  return [...messages.slice(0, -1), { ...last, content }];
}

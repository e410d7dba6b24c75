// Makes the prompt of a request: messages through the model's template, or a text as it stands, then ids; refuses what has nothing to answer
// or does not fit. Called by `generate.ts`. Knows nothing of decoders beyond two numbers.
// Source of the message form that templates expect: transformers' chat templating guide ("tool_calls" with arguments
// as objects, where OpenAI has them as JSON text).

import type { ChatMessage } from '../protocol/chat.js';
import { EngineError } from '../protocol/errors.js';
import { isTextCompletion, type CompletionRequest } from '../protocol/text-completion.js';
import type { PromptText, TemplateMessage, Tokenizer } from '../tokenizer/tokenizer.js';

/** No prompt has more characters a token than this, even in runs of spaces; longer texts are refused uncounted. */
const charactersPerToken = 200;

export interface PromptLimits {
  readonly contextLength: number;
  readonly vocabularySize: number;
}

export interface Prompt {
  readonly ids: readonly number[];
  /** The answer goes on in the middle of a text, so a leading space is part of it. */
  readonly continues: boolean;
}

/**
 * @param partialAnswer text that the answer begins with already; '' for none
 * @throws EngineError `prompt-empty`, `prompt-too-long`, `invalid-request` (the template refuses),
 * `model-invalid` (the tokenizer knows ids that the weights do not have)
 */
export function makePrompt(
  tokenizer: Tokenizer,
  completion: CompletionRequest,
  partialAnswer: string,
  limits: PromptLimits,
): Prompt {
  const bare = isTextCompletion(completion) || !tokenizer.hasChatTemplate;
  const prompt = render(tokenizer, completion, partialAnswer);
  if (prompt.text.length > limits.contextLength * charactersPerToken) {
    throw tooLong(`of ${prompt.text.length} characters`, limits.contextLength);
  }
  const ids = tokenizer.encode(prompt, { addSpecial: bare });
  if (ids.length === 0) throw emptyPrompt();
  const stranger = ids.find((id) => id >= limits.vocabularySize);
  if (stranger !== undefined) {
    const message = `The model's tokenizer has token ${stranger}, its weights only ${limits.vocabularySize} tokens.`;
    throw new EngineError('model-invalid', message, { hint: 'Its files do not belong together. Download it again.' });
  }
  // One place must be left, or there is no room for an answer.
  if (ids.length >= limits.contextLength) throw tooLong(`of ${ids.length} tokens`, limits.contextLength);
  return { ids, continues: partialAnswer !== '' || bare };
}

/** Tokens of the prompt that these messages make, whether it fits or not. */
export function countPrompt(tokenizer: Tokenizer, messages: readonly ChatMessage[]): number {
  const prompt = tokenizer.renderChat(templateMessages(messages), { addGenerationPrompt: true });
  return tokenizer.encode(prompt, { addSpecial: !tokenizer.hasChatTemplate }).length;
}

function render(tokenizer: Tokenizer, completion: CompletionRequest, partialAnswer: string): PromptText {
  if (isTextCompletion(completion)) {
    if (completion.prompt === '' && partialAnswer === '') throw emptyPrompt();
    return tokenizer.renderText(completion.prompt, partialAnswer);
  }
  const { messages, tools } = completion;
  if (partialAnswer === '' && isEmpty(messages)) throw emptyPrompt();
  return tokenizer.renderChat(templateMessages(messages), {
    addGenerationPrompt: true,
    partialAnswer,
    ...(tools === undefined ? {} : { tools }),
  });
}

function emptyPrompt(): EngineError {
  return new EngineError('prompt-empty', 'There is nothing to answer: the message is empty.', {
    hint: 'Write something first.',
  });
}

function tooLong(size: string, contextLength: number): EngineError {
  return new EngineError(
    'prompt-too-long',
    `The conversation is too long: a prompt ${size}, and this model reads ${contextLength} tokens, answer included.`,
    { hint: 'Shorten the message or begin a new chat.' },
  );
}

/** Nobody said anything, or the newest message of a person or a tool is blank. */
function isEmpty(messages: readonly ChatMessage[]): boolean {
  const asked = messages.filter(({ role }) => role === 'user' || role === 'tool').at(-1);
  return asked === undefined || asked.content?.trim() === '';
}

/** OpenAI's messages as templates expect them: arguments parsed, results with the name of their tool. */
function templateMessages(messages: readonly ChatMessage[]): TemplateMessage[] {
  const names = new Map<string, string>();
  return messages.map((message): TemplateMessage => {
    if (message.role === 'tool') {
      const name = names.get(message.tool_call_id);
      return name === undefined ? message : { ...message, name };
    }
    if (message.role !== 'assistant' || message.tool_calls === undefined) return message;
    for (const call of message.tool_calls) names.set(call.id, call.function.name);
    const tool_calls = message.tool_calls.map((call) => ({
      ...call,
      function: { ...call.function, arguments: parsed(call.function.arguments) },
    }));
    return { ...message, tool_calls };
  });
}

/** JSON as a value; text that is no JSON stays text, as a model may have written it. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

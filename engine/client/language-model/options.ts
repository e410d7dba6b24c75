// What `create()` and `availability()` are asked for, read and checked: languages, kinds of content, sampling, tools.
// Source: the Prompt API, "Options". Called by language-model.ts and the session.

import type { TypedEventTarget } from '../typed-events.js';
import type { Tool } from '../../protocol/chat.js';
import { readPrompt, type LanguageModelMessage } from './prompts.js';

export interface LanguageModelExpected {
  readonly type: string;
  readonly languages?: readonly string[];
}

export interface LanguageModelTool {
  readonly name: string;
  readonly description: string;
  /** JSON schema of the arguments. */
  readonly inputSchema: Readonly<Record<string, unknown>>;
  execute(...args: unknown[]): Promise<string>;
}

export type LanguageModelSamplingMode =
  'default' | 'most-predictable' | 'predictable' | 'balanced' | 'creative' | 'most-creative';

export interface LanguageModelCreateCoreOptions {
  readonly temperature?: number;
  readonly topK?: number;
  readonly samplingMode?: LanguageModelSamplingMode;
  readonly expectedInputs?: readonly LanguageModelExpected[];
  readonly expectedOutputs?: readonly LanguageModelExpected[];
  readonly tools?: readonly LanguageModelTool[];
}

export interface LanguageModelCreateOptions extends LanguageModelCreateCoreOptions {
  readonly signal?: AbortSignal;
  /** Called at once with a target that fires `downloadprogress`: `loaded` from 0 to 1 of `total` 1. */
  readonly monitor?: (monitor: TypedEventTarget<{ downloadprogress: ProgressEvent }>) => void;
  readonly initialPrompts?: readonly LanguageModelMessage[];
}

/** Temperatures of the modes; `default` and `balanced` are the model's own. */
const temperatures: Partial<Readonly<Record<LanguageModelSamplingMode, number>>> = {
  'most-predictable': 0,
  predictable: 0.4,
  creative: 1.1,
  'most-creative': 1.4,
};
const modes: readonly unknown[] = ['default', 'balanced', ...Object.keys(temperatures)];

export interface Sampling {
  readonly temperature?: number;
  readonly top_k?: number;
}

/** @throws TypeError, RangeError for what the standard does not allow */
export function checkCore(options: LanguageModelCreateCoreOptions): void {
  for (const { type, languages = [] } of expected(options)) {
    if (typeof type !== 'string') throw new TypeError('An expected input or output needs a type.');
    Intl.getCanonicalLocales([...languages]); // RangeError for what is no language tag
  }
  if (!modes.includes(options.samplingMode ?? 'default')) throw new TypeError('There is no such samplingMode.');
  const { temperature, topK } = options;
  if (temperature !== undefined && !(temperature >= 0)) throw new RangeError('temperature is 0 or more.');
  if (topK !== undefined && !(topK >= 1)) throw new RangeError('topK is 1 or more.');
  for (const tool of options.tools ?? []) {
    if (typeof tool.name !== 'string' || typeof tool.execute !== 'function' || typeof tool.inputSchema !== 'object') {
      throw new TypeError('A tool needs a name, a description, an inputSchema and a function execute.');
    }
  }
}

/** @throws as `checkCore`, and TypeError for prompts of a wrong form */
export function checkCreate(options: LanguageModelCreateOptions): void {
  checkCore(options);
  readPrompt(options.initialPrompts ?? [], true);
}

/** Everything asked for is text. */
export const onlyText = (options: LanguageModelCreateCoreOptions): boolean =>
  expected(options).every(({ type }) => type === 'text' || type === 'tool-call' || type === 'tool-response');

/** Languages asked for, without their regions: "en" of "en-GB". */
export const languagesOf = (options: LanguageModelCreateCoreOptions): readonly string[] => [
  ...new Set(expected(options).flatMap(({ languages = [] }) => languages.map((tag) => new Intl.Locale(tag).language))),
];

export function samplingOf({ temperature, topK, samplingMode = 'default' }: LanguageModelCreateCoreOptions): Sampling {
  const wanted = temperature ?? temperatures[samplingMode];
  return {
    ...(wanted === undefined ? {} : { temperature: Math.min(2, wanted) }),
    ...(topK === undefined ? {} : { top_k: Math.min(1_000_000, Math.floor(topK)) }),
  };
}

export const asTools = (tools: readonly LanguageModelTool[]): Tool[] =>
  tools.map(({ name, description, inputSchema }) => ({
    type: 'function',
    function: { name, description, parameters: { ...inputSchema } },
  }));

const expected = ({ expectedInputs = [], expectedOutputs = [] }: LanguageModelCreateCoreOptions) => [
  ...expectedInputs,
  ...expectedOutputs,
];

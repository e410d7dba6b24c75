// `llm-elements/language-model`: the Prompt API over this site's engine. Importing it changes nothing; `languageModel()`
// gives the class, `installLanguageModel()` puts it where programs look for it.

import { connect, type ConnectOptions } from '../connect.js';
import { languageModel as classFor, type LanguageModelClass } from './language-model.js';

export {
  LanguageModel,
  type LanguageModelAvailability,
  type LanguageModelClass,
  type LanguageModelEngine,
} from './language-model.js';
export type { LanguageModelContent, LanguageModelMessage, LanguageModelPrompt } from './prompts.js';
export type { LanguageModelPromptOptions } from './session.js';
export type {
  LanguageModelCreateCoreOptions,
  LanguageModelCreateOptions,
  LanguageModelExpected,
  LanguageModelSamplingMode,
  LanguageModelTool,
} from './options.js';

/** The class over the engine that `connect(options)` gives. */
export const languageModel = (options: ConnectOptions = {}): LanguageModelClass => classFor(() => connect(options));

/**
 * Puts the class onto the page as `LanguageModel`, where the browser has none of its own.
 * @param replace also where it has one
 * @returns whether it was put there
 */
export function installLanguageModel({
  replace = false,
  ...options
}: ConnectOptions & { replace?: boolean } = {}): boolean {
  if (!replace && 'LanguageModel' in globalThis) return false;
  Object.defineProperty(globalThis, 'LanguageModel', {
    value: languageModel(options),
    configurable: true,
    writable: true,
  });
  return true;
}

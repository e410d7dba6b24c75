// What a site calls to change the kit's texts. Exported by index.ts; typed here, where the catalogue is known.

import { loadLanguage, replaceTexts, type Sections } from './texts.js';
import type { SomeWords } from './words/catalogue.js';

/**
 * Replaces texts of the elements, at once and on the whole page: `llmWords({ chat: { send: 'Ask' } }, 'en')`.
 * @param texts those to replace, by section; plain text, never markup
 * @param language a language tag such as 'de'; absent: in every language. One that the kit does not have is added
 *   by it, with English where texts are missing
 */
export const llmWords = (texts: SomeWords, language?: string): void =>
  replaceTexts(texts as unknown as Sections, language);

/** Fetches a language's texts before an element asks; resolves when they are there. @throws TypeError on a failed fetch */
export const llmLanguage = (tag: string): Promise<void> => loadLanguage(tag);

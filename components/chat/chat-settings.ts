// What a page sets on `<llm-chat>`: its properties and attributes, each with what it means. The element itself is chat.ts.

import { property } from '../internal/decorators.js';
import type { Tool } from '../../engine/protocol/chat.js';
import { LlmElement } from '../internal/llm-element.js';
import { listOfText } from '../internal/list-of-text.js';
import { numberOrNull } from '../internal/number-attribute.js';

export abstract class ChatSettings extends LlmElement {
  /** Instructions for the model, put before the conversation. */
  @property({ attribute: 'system-prompt', useDefault: true }) systemPrompt = '';

  /** What an empty chat says. */
  @property({ useDefault: true }) welcome = '';

  /** Messages offered in an empty chat; in the attribute separated by "|". */
  @property({ converter: listOfText }) suggestions: readonly string[] = [];

  /** Hint in the empty field. */
  @property({ useDefault: true }) placeholder = '';

  /** Name of the conversation for screen readers. */
  @property({ useDefault: true }) label = '';

  /** Loads the model at once instead of with the first message. */
  @property({ type: Boolean }) autoload = false;

  /** 0 answers the same every time; null leaves it to the model's default. */
  @property({ converter: numberOrNull }) temperature: number | null = null;

  /** Longest answer in tokens; null leaves it to the engine. */
  @property({ converter: numberOrNull, attribute: 'max-tokens' }) maxTokens: number | null = null;

  /** Keeps conversations on this device, sealed, with a list to go back to them, unless the visitor objects. */
  @property({ type: Boolean }) history = false;

  /** `off` takes no files. */
  @property({ useDefault: true }) attachments: 'on' | 'off' = 'on';

  /** A button to write by speaking, where the browser can; it may send the voice to its maker, and says so first. */
  @property({ type: Boolean }) dictation = false;

  /** Answers read aloud: by voices of the device (`local`), also by others, which send the text away (`any`), or `off`. */
  @property({ attribute: 'read-aloud', useDefault: true }) readAloud: 'local' | 'any' | 'off' = 'local';

  /** Name in a form. */
  @property({ reflect: true, useDefault: true }) name = '';

  /** What a form gets: the `conversation` as JSON, or the newest `answer` as text. */
  @property({ attribute: 'form-value', useDefault: true }) formValue: 'conversation' | 'answer' = 'conversation';

  /** Nothing can be written or sent. */
  @property({ type: Boolean, reflect: true }) disabled = false;

  /** Tools of the page that the model may call, in OpenAI's shape. */
  @property({ attribute: false }) tools: readonly Tool[] = [];

  /**
   * Origins that images of answers may be fetched from, separated by spaces: `https://cdn.example https://*.example.org`,
   * "*" for any. Empty: none is fetched, because an address can carry what was said to whoever answers it.
   */
  @property({ attribute: 'allowed-images', useDefault: true }) allowedImages = '';

  /** Origins that links of answers may lead to, in the same form; other addresses are shown as text. */
  @property({ attribute: 'allowed-links', useDefault: true }) allowedLinks = '*';
}

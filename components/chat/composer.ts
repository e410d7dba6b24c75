// Where the visitor writes: a field that grows with its text, Enter sends, Shift+Enter starts a line, and an input
// method's Enter (choosing a word in Japanese, Chinese, Korean) does neither. One button sends or stops, so that the
// focus has a place to stay when one becomes the other.
// A template function of `<llm-chat>`; it holds no state.

import { html, type TemplateResult } from 'lit';
import { sendIcon, stopIcon } from '../internal/icons.js';
import { words } from '../internal/words.js';

export interface ComposerOptions {
  readonly busy: boolean;
  readonly placeholder: string;
  /** There is something to send. */
  readonly filled: boolean;
  readonly input: (field: HTMLTextAreaElement) => void;
  readonly submit: () => void;
  readonly stop: () => void;
}

export function renderComposer(options: ComposerOptions): TemplateResult {
  const { busy, filled } = options;
  const submit = (event: Event) => {
    event.preventDefault();
    if (busy) options.stop();
    else options.submit();
  };
  const keydown = (event: KeyboardEvent) => {
    if (!isSendKey(event)) return;
    event.preventDefault();
    if (!busy) options.submit();
  };
  const input = (event: Event) => {
    if (!(event.currentTarget instanceof HTMLTextAreaElement)) return;
    fit(event.currentTarget);
    options.input(event.currentTarget);
  };
  return html`<form class="composer" part="composer" @submit=${submit}>
    <label class="hidden" for="field">${words.chat.message}</label>
    <textarea
      id="field"
      part="input"
      rows="1"
      dir="auto"
      autocomplete="off"
      enterkeyhint="send"
      placeholder=${options.placeholder}
      @input=${input}
      @keydown=${keydown}
    ></textarea>
    <button
      class="primary round"
      part="send-button"
      aria-label=${busy ? words.chat.stop : words.chat.send}
      title=${busy ? words.chat.stop : words.chat.send}
      aria-disabled=${busy || filled ? 'false' : 'true'}
    >
      ${busy ? stopIcon() : sendIcon()}
    </button>
  </form>`;
}

/** Enter, and not an input method's: Safari tells its Enter only by 229, after the composition has ended. */
export const isSendKey = ({ key, shiftKey, isComposing, keyCode }: KeyboardEvent): boolean =>
  key === 'Enter' && !shiftKey && !isComposing && keyCode !== 229;

/** Grows the field to its text where CSS cannot (`field-sizing`); the style sheet limits the height. */
export function fit(field: HTMLTextAreaElement): void {
  if (CSS.supports('field-sizing', 'content')) return;
  field.style.blockSize = 'auto';
  field.style.blockSize = `${String(field.scrollHeight)}px`;
}

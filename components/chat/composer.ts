// Where the visitor writes: a field that grows with its text, Enter sends, Shift+Enter starts a line, and an input
// method's Enter (choosing a word in Japanese, Chinese, Korean) does neither. One button sends or stops, so that the
// focus has a place to stay when one becomes the other.
// One per `<llm-chat>`; what is sent goes to the conversation (talk.ts), with the files that wait (rare.ts).

import { html, nothing, type TemplateResult } from 'lit';
import { sendIcon, stopIcon } from '../internal/icons.js';
import { words } from '../internal/words.js';
import type { ChatParts } from './parts.js';

export interface ComposerOptions {
  /** The visitor may not write. */
  readonly disabled: boolean;
  /** '' for the kit's own. */
  readonly placeholder: string;
}

export class Composer {
  get field(): HTMLTextAreaElement | null {
    return this.#parts.host.shadowRoot?.querySelector('.composer textarea') ?? null;
  }

  /** What stands in the field. */
  get text(): string {
    return this.field?.value.trim() ?? '';
  }

  readonly #parts: ChatParts;
  /** The field holds something to send. */
  #filled = false;

  constructor(parts: ChatParts) {
    this.#parts = parts;
  }

  /** Puts text into the field, in the place of what stands there. */
  write(text: string): void {
    const { field } = this;
    if (field === null) return;
    field.value = text;
    this.#written(field);
    fit(field);
  }

  render({ disabled, placeholder }: ComposerOptions): TemplateResult {
    const { talk, rare } = this.#parts;
    const { busy } = talk.conversation;
    const sendable = busy || this.#filled || rare.files.length > 0;
    const submit = (event: Event) => {
      event.preventDefault();
      if (busy) talk.conversation.stop();
      else if (!disabled) this.#submit();
    };
    const input = ({ currentTarget }: Event) => {
      if (!(currentTarget instanceof HTMLTextAreaElement)) return;
      fit(currentTarget);
      this.#written(currentTarget);
    };
    const label = busy ? words.chat.stop : words.chat.send;
    return html`<form class="composer" part="composer" @submit=${submit}>
      ${rare.attachments.part?.render() ?? nothing} ${rare.renderAttach(disabled)}
      <label class="hidden" for="field">${words.chat.message}</label>
      <textarea
        id="field"
        part="input"
        rows="1"
        dir=${this.#filled ? 'auto' : nothing}
        autocomplete="off"
        enterkeyhint="send"
        placeholder=${placeholder || words.chat.placeholder}
        ?disabled=${disabled}
        @focus=${() => this.#parts.turns.soon()}
        @input=${input}
        @keydown=${this.#keydown}
        @paste=${rare.paste}
      ></textarea>
      ${rare.renderDictate(disabled)}
      <button
        class="primary round"
        part="send-button"
        aria-label=${label}
        title=${label}
        aria-disabled=${sendable && !disabled ? 'false' : 'true'}
      >
        ${busy ? stopIcon() : sendIcon()}
      </button>
    </form>`;
  }

  readonly #keydown = (event: KeyboardEvent): void => {
    const { talk, turns } = this.#parts;
    const { entries, busy } = talk.conversation;
    if (isSendKey(event)) {
      event.preventDefault();
      this.#submit();
    } else if (event.key === 'ArrowUp' && this.field?.value === '' && !event.isComposing && !busy) {
      const last = entries.findLast(({ kind }) => kind === 'user');
      if (last === undefined) return;
      event.preventDefault();
      void turns.get().then((part) => part?.edit(last.id));
    }
  };

  #submit(): void {
    const { talk, rare } = this.#parts;
    const { field } = this;
    const waits = rare.attachments.part?.reading === true;
    if (field === null || talk.conversation.busy || waits || !talk.request(field.value, rare.files)) return;
    this.write('');
    rare.sent();
  }

  #written(field: HTMLTextAreaElement): void {
    const filled = field.value.trim() !== '';
    if (filled !== this.#filled) this.#parts.host.requestUpdate();
    this.#filled = filled;
    this.#parts.draftChanged();
  }
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

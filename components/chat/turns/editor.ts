// The field in the place of a message that its visitor changes: Enter sends, Escape leaves it as it was. A template function
// of turns.ts.

import { html, type TemplateResult } from 'lit';
import { words } from '../../internal/words.js';
import { fit, isSendKey } from '../composer.js';
import type { UserEntry } from '../entries.js';
import { turnsWords } from './turns.words.js';

export interface EditorActions {
  readonly submit: (text: string) => void;
  readonly cancel: () => void;
}

export function renderEditor({ text }: UserEntry, { submit, cancel }: EditorActions): TemplateResult {
  const send = (event: Event) => {
    event.preventDefault();
    const area = (event.currentTarget as Element).closest('form')?.querySelector('textarea');
    if (area) submit(area.value);
  };
  const keydown = (event: KeyboardEvent) => {
    if (event.key === 'Escape') {
      event.stopPropagation();
      cancel();
    } else if (isSendKey(event)) send(event);
  };
  const input = (event: Event) => {
    if (event.currentTarget instanceof HTMLTextAreaElement) fit(event.currentTarget);
  };
  return html`<form class="editor" part="editor" @submit=${send}>
    <textarea
      dir="auto"
      rows="1"
      aria-label=${turnsWords.editing}
      .value=${text}
      @input=${input}
      @keydown=${keydown}
    ></textarea>
    <div class="row">
      <button type="button" @click=${cancel}>${turnsWords.cancel}</button>
      <button class="primary">${words.chat.send}</button>
    </div>
  </form>`;
}

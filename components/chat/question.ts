// A message of the visitor: their words in a bubble, the files they put to it, what can be done with it; while it is edited,
// a field in its place. Template functions of `<llm-chat>`; the text is only ever text.

import { html, nothing, type TemplateResult } from 'lit';
import { guard } from 'lit/directives/guard.js';
import { formatBytes } from '../internal/format.js';
import { copyIcon, editIcon, fileIcon, trashIcon } from '../internal/icons.js';
import { words } from '../internal/words.js';
import { renderButton, renderVersions } from './actions.js';
import { fit, isSendKey } from './composer.js';
import type { UserEntry } from './entries.js';
import type { MessageContext } from './message.js';

export function renderQuestion(entry: UserEntry, context: MessageContext): TemplateResult {
  const siblings = context.siblings(entry.id);
  const editing = context.editing === entry.id;
  const keys = [entry, siblings, editing, context.busy, context.language];
  return html`<div class="turn" data-entry=${entry.id}>
    ${guard(keys, () => (editing ? renderEditor(entry, context) : renderWords(entry, siblings, context)))}
  </div>`;
}

function renderWords(entry: UserEntry, siblings: readonly string[], context: MessageContext): TemplateResult {
  const { busy, actions } = context;
  const { id, text, attachments } = entry;
  const buttons = [
    { name: 'copy', label: words.chat.copyMessage, icon: copyIcon(), run: () => void actions.copy(text) },
    { name: 'edit', label: words.chat.edit, icon: editIcon(), run: () => actions.edit(id) },
    { name: 'delete', label: words.chat.delete, icon: trashIcon(), run: () => actions.delete(id) },
  ];
  return html`<article class="message user" part="message user-message" aria-label=${words.chat.you}>
      ${
        attachments.length === 0
          ? nothing
          : html`<ul class="files">
              ${attachments.map(
                ({ name, byteLength }) =>
                  html`<li>${fileIcon()}<bdi>${name}</bdi> <span>${formatBytes(byteLength)}</span></li>`,
              )}
            </ul>`
      }
      <div class="bubble" dir="auto">${text}</div>
    </article>
    <div class="under actions">
      ${renderVersions(id, siblings, busy, actions.turn)}${buttons.map((button) => renderButton(button, busy && button.name !== 'copy'))}
    </div>`;
}

function renderEditor({ id, text }: UserEntry, { actions }: MessageContext): TemplateResult {
  const field = (event: Event): HTMLTextAreaElement | null =>
    (event.currentTarget as Element).closest('form')?.querySelector('textarea') ?? null;
  const submit = (event: Event) => {
    event.preventDefault();
    const area = field(event);
    if (area !== null) actions.submitEdit(id, area.value);
  };
  const keydown = (event: KeyboardEvent) => {
    if (event.key === 'Escape') {
      event.stopPropagation();
      actions.cancelEdit(id);
    } else if (isSendKey(event)) submit(event);
  };
  const input = (event: Event) => {
    if (event.currentTarget instanceof HTMLTextAreaElement) fit(event.currentTarget);
  };
  return html`<form class="editor" part="editor" @submit=${submit}>
    <textarea
      dir="auto"
      rows="1"
      aria-label=${words.chat.editing}
      .value=${text}
      @input=${input}
      @keydown=${keydown}
    ></textarea>
    <div class="row">
      <button type="button" @click=${() => actions.cancelEdit(id)}>${words.chat.cancel}</button>
      <button class="primary">${words.chat.send}</button>
    </div>
  </form>`;
}

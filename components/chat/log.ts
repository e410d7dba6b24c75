// The scrolling part of the chat. Template functions of `<llm-chat>`; they hold no state. The log is silent to screen readers
// (`aria-live="off"`): what is news is said by turns/narrator.ts.

import { html, nothing, type TemplateResult } from 'lit';
import { errorNotice } from '../internal/error-notice.js';
import { words } from '../internal/words.js';
import type { Entry } from './entries.js';
import type { Turns } from './turns/turns.js';

/** @param content the messages, or the welcome of an empty chat */
export const renderLog = (label: string, follow: Turns['follow'] | undefined, content: unknown): TemplateResult =>
  html`<div class="middle">
    <div
      class="scroller"
      part="messages"
      role="log"
      aria-live="off"
      aria-label=${label}
      tabindex="0"
      @scroll=${follow?.scrolled}
    >
      ${content}
    </div>
    ${follow?.render()}
  </div>`;

/**
 * The messages until what shows them is fetched (turns/turns.ts): the visitor's words, which look the same later.
 * @param failed it could not be fetched: the answers, too, as they were written
 */
export const renderPlain = (entries: readonly Entry[], failed: boolean): TemplateResult =>
  html`<div class="messages">
    ${entries.map((entry) => {
      if (entry.kind === 'user') {
        return html`<div class="turn">
          <article class="user" part="message user-message" aria-label=${words.chat.you}>
            <div class="bubble" dir="auto">${entry.text}</div>
          </article>
          <div class="under"></div>
        </div>`;
      }
      if (entry.kind !== 'answer' || !failed) return nothing;
      return html`<article part="message assistant-message" aria-label=${words.chat.assistant}>
        <div class="bubble" dir="auto">${entry.text}</div>
        ${entry.error === null ? nothing : errorNotice(entry.error)}
      </article>`;
    })}
  </div>`;

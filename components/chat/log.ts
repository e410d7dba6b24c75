// The scrolling part of the chat: the log of messages and the way back to its end. Template functions of `<llm-chat>`; they
// hold no state. The log is silent to screen readers (`aria-live="off"`): the narrator says what is news.

import { html, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import type { EngineState } from '../../engine/protocol/state.js';
import { downIcon } from '../internal/icons.js';
import { words } from '../internal/words.js';
import type { Entry } from './entries.js';
import type { FollowController } from './follow.js';
import { renderEntry } from './message.js';

export interface LogOptions {
  readonly label: string;
  readonly follow: FollowController;
  /** What stands in it: the messages, or the welcome of an empty chat. */
  readonly content: unknown;
}

export function renderLog({ label, follow, content }: LogOptions): TemplateResult {
  return html`<div class="middle">
    <div
      class="scroller"
      part="messages"
      role="log"
      aria-live="off"
      aria-label=${label}
      tabindex="0"
      @scroll=${follow.scrolled}
    >
      ${content}
    </div>
    ${
      follow.following
        ? nothing
        : html`<button
            type="button"
            class="latest"
            aria-label=${words.chat.jumpToLatest}
            title=${words.chat.jumpToLatest}
            @click=${(event: Event) => {
              // The button goes: the focus stays at what it led to.
              (event.currentTarget as Element).parentElement?.querySelector<HTMLElement>('.scroller')?.focus();
              follow.latest();
            }}
          >
            ${downIcon()}
          </button>`
    }
  </div>`;
}

type EntryContext = Parameters<typeof renderEntry>[1];

export function renderEntries(
  entries: readonly Entry[],
  context: Omit<EntryContext, 'results' | 'last'>,
): TemplateResult {
  const results = new Map(entries.flatMap((entry) => (entry.kind === 'tool' ? [[entry.callId, entry] as const] : [])));
  const whole = { ...context, results, last: entries.at(-1) };
  return html`<div class="messages">
    ${repeat(
      entries,
      ({ id }) => id,
      (entry) => renderEntry(entry, whole),
    )}
  </div>`;
}

/** What a model is called, from the id that an answer tells. */
export function modelName(state: EngineState | null, id: string): string {
  if (state === null) return id;
  const { models, status } = state;
  // A model named by its address is in no catalogue; while it is loaded the engine knows its name.
  const loaded = status.kind === 'ready' && status.model.id === id ? status.model.name : id;
  return models.find((model) => model.id === id)?.name ?? loaded;
}

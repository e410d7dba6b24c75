// The chat's furniture: header, the empty chat's welcome, a failure that no answer shows, the cloud switch. Template
// functions of `<llm-chat>`; they hold no state.

import { html, nothing, type TemplateResult } from 'lit';
import { live } from 'lit/directives/live.js';
import type { EngineState } from '../../engine/protocol/state.js';
import { cloudIcon, deviceIcon, newChatIcon } from '../internal/icons.js';
import { words } from '../internal/words.js';
import type { StatusLine } from './status.js';

/** @param waiting an answer waits and says in its own place for what */
export function renderHeader(status: StatusLine, waiting: boolean, newChat: (() => void) | null): TemplateResult {
  return html`<header part="header">
    <slot name="header"></slot>
    <p class="status">
      ${status.icon === 'cloud' ? cloudIcon() : status.icon === 'device' ? deviceIcon() : nothing}<bdi
        >${waiting ? status.short : status.text}</bdi
      >
    </p>
    ${
      newChat === null
        ? nothing
        : html`<button
            type="button"
            class="plain"
            aria-label=${words.chat.newChat}
            title=${words.chat.newChat}
            @click=${newChat}
          >
            ${newChatIcon()}<span class="wide" aria-hidden="true">${words.chat.newChat}</span>
          </button>`
    }
  </header>`;
}

export interface WelcomeOptions {
  readonly welcome: string;
  readonly suggestions: readonly string[];
  readonly cloudAllowed: boolean;
  readonly ask: (text: string) => void;
}

export function renderWelcome({ welcome, suggestions, cloudAllowed, ask }: WelcomeOptions): TemplateResult {
  return html`<div class="welcome">
    <slot name="welcome">
      <p class="greeting" dir="auto">${welcome === '' ? words.chat.welcome : welcome}</p>
      <p class="detail">${cloudAllowed ? words.chat.cloudNote : words.chat.welcomeDetail}</p>
    </slot>
    ${
      suggestions.length === 0
        ? nothing
        : html`<ul class="suggestions" aria-label=${words.chat.suggestions}>
            ${suggestions.map(
              (text) =>
                html`<li>
                  <button type="button" part="suggestion" dir="auto" @click=${() => ask(text)}>${text}</button>
                </li>`,
            )}
          </ul>`
    }
  </div>`;
}

/** What was deleted, and the way back; it stays until something else is asked for. */
export const renderUndo = (count: number, undo: () => void): TemplateResult =>
  html`<div class="undo" part="undo">
    <span>${words.chat.deleted(count)}</span>
    <button type="button" @click=${undo}>${words.chat.undo}</button>
  </div>`;

export interface CloudSwitchOptions {
  readonly cloud: EngineState['cloud'] | undefined;
  readonly change: (allowed: boolean) => void;
}

/** Only where the site set an endpoint. Shows what the state says, not what was clicked. */
export function renderCloudSwitch({ cloud, change }: CloudSwitchOptions): unknown {
  if (cloud === undefined || cloud.endpoint === null) return nothing;
  const changed = (event: Event) => {
    if (event.currentTarget instanceof HTMLInputElement) change(event.currentTarget.checked);
  };
  return html`<label class="cloud-switch" part="cloud-switch">
    <input type="checkbox" role="switch" .checked=${live(cloud.allowed)} @change=${changed} />
    ${cloudIcon()}
    <span>${words.chat.cloudSwitch(cloud.endpoint)}. ${words.chat.cloudSwitchDetail}</span>
  </label>`;
}

// The chat's furniture: header, the empty chat's welcome, a failure that no answer shows, the cloud switch. Template
// functions of `<llm-chat>`; they hold no state.

import { html, nothing, type TemplateResult } from 'lit';
import { live } from 'lit/directives/live.js';
import type { EngineState } from '../../engine/protocol/state.js';
import { cloudIcon, deviceIcon, historyIcon, moreIcon, newChatIcon } from '../internal/icons.js';
import { words } from '../internal/words.js';
import type { StatusLine } from './status.js';

export interface HeaderOptions {
  readonly status: StatusLine;
  /** An answer waits and says in its own place for what. */
  readonly waiting: boolean;
  /** Null in an empty chat. */
  readonly newChat: (() => void) | null;
  /** Null where the site keeps none. */
  readonly history: (() => void) | null;
  readonly menu: readonly MenuItem[];
}

export interface MenuItem {
  readonly label: string;
  readonly run: () => void;
}

export function renderHeader({ status, waiting, newChat, history, menu }: HeaderOptions): TemplateResult {
  const button = (label: string, icon: TemplateResult, run: (() => void) | null, wide = false): unknown =>
    run === null
      ? nothing
      : html`<button type="button" class="plain" aria-label=${label} title=${label} @click=${run}>
          ${icon}${wide ? html`<span class="wide" aria-hidden="true">${label}</span>` : nothing}
        </button>`;
  return html`<header part="header">
    <slot name="header"></slot>
    <p class="status">
      ${status.icon === 'cloud' ? cloudIcon() : status.icon === 'device' ? deviceIcon() : nothing}<bdi
        >${waiting ? status.short : status.text}</bdi
      >
    </p>
    ${button(words.chat.history, historyIcon(), history)} ${renderMenu(menu)}
    ${button(words.chat.newChat, newChatIcon(), newChat, true)}
  </header>`;
}

/** What is rarely wanted, behind one button. A disclosure, not a menu of roles: Tab walks through it, Escape closes it. */
function renderMenu(items: readonly MenuItem[]): TemplateResult {
  const close = (from: Event, focus: boolean) => {
    const details = (from.currentTarget as Element).closest('details');
    if (details === null || !details.open) return;
    details.open = false;
    if (focus) details.querySelector('summary')?.focus();
  };
  const keydown = (event: KeyboardEvent) => {
    if (event.key !== 'Escape') return;
    event.stopPropagation();
    close(event, true);
  };
  const left = (event: FocusEvent) => {
    const { relatedTarget, currentTarget } = event;
    if (!(relatedTarget instanceof Node && (currentTarget as Element).contains(relatedTarget))) close(event, false);
  };
  return html`<details class="menu" part="menu" @keydown=${keydown} @focusout=${left}>
    <summary aria-label=${words.chat.more} title=${words.chat.more}>${moreIcon()}</summary>
    <ul>
      ${items.map(
        ({ label, run }) =>
          html`<li>
            <button
              type="button"
              class="plain"
              @click=${(event: Event) => {
                close(event, true);
                run();
              }}
            >
              ${label}
            </button>
          </li>`,
      )}
    </ul>
  </details>`;
}

export interface WelcomeOptions {
  readonly welcome: string;
  readonly suggestions: readonly string[];
  readonly cloudAllowed: boolean;
  readonly ask: (text: string) => void;
}

export function renderWelcome({ welcome, suggestions, cloudAllowed, ask }: WelcomeOptions): TemplateResult {
  /** A button of the page's own: its value, or its words. */
  const chosen = ({ target }: Event) => {
    const button =
      target instanceof Element ? target.closest('button[slot=suggestions], [slot=suggestions] button') : null;
    if (button instanceof HTMLButtonElement) ask(button.value || button.textContent.trim());
  };
  return html`<div class="welcome">
    <slot name="welcome">
      <p class="greeting" dir="auto">${welcome === '' ? words.chat.welcome : welcome}</p>
      <p class="detail">${cloudAllowed ? words.chat.cloudNote : words.chat.welcomeDetail}</p>
    </slot>
    <slot name="suggestions" @click=${chosen}>
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
    </slot>
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

// The chat's furniture: header and the empty chat's welcome. Template functions of `<llm-chat>`; they hold no state.

import { html, nothing, type TemplateResult } from 'lit';
import { cloudIcon, deviceIcon, historyIcon, moreIcon, newChatIcon } from '../internal/icons.js';
import { words } from '../internal/words.js';
import type { Lazy } from './lazy.js';
import type { Menu } from './menu/menu.js';
import type { StatusLine } from './status.js';

export interface HeaderOptions {
  readonly status: StatusLine;
  /** An answer waits and says in its own place for what. */
  readonly waiting: boolean;
  /** Null in an empty chat. */
  readonly newChat: (() => void) | null;
  /** Null where the site keeps none. */
  readonly history: (() => void) | null;
  readonly menu: Lazy<Menu>;
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

/** What is rarely wanted, behind one button; what is in it comes with menu/menu.ts. */
function renderMenu(menu: Lazy<Menu>): TemplateResult {
  const { part } = menu;
  const soon = () => menu.want();
  return html`<details
    class="menu"
    part="menu"
    @pointerenter=${soon}
    @focusin=${soon}
    @toggle=${() => void menu.get()}
    @keydown=${part?.keydown}
    @focusout=${part?.left}
  >
    <summary aria-label=${words.chat.more} title=${words.chat.more}>${moreIcon()}</summary>
    ${part?.render()}
  </details>`;
}

export interface WelcomeOptions {
  readonly welcome: string;
  readonly suggestions: readonly string[];
  readonly cloudAllowed: boolean;
  /** Nothing can be asked. */
  readonly disabled: boolean;
  readonly ask: (text: string) => void;
}

export function renderWelcome({ welcome, suggestions, cloudAllowed, disabled, ask }: WelcomeOptions): TemplateResult {
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
                    <button type="button" part="suggestion" dir="auto" ?disabled=${disabled} @click=${() => ask(text)}>
                      ${text}
                    </button>
                  </li>`,
              )}
            </ul>`
      }
    </slot>
  </div>`;
}

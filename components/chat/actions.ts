// What can be done with a message: the row of small buttons under it, and the switch between its versions. Template
// functions of `<llm-chat>`; they hold no state. Nothing here is disabled while an answer is written, so that no focus
// is lost: the buttons say that they do nothing (`aria-disabled`).

import { html, nothing, type TemplateResult } from 'lit';
import { afterIcon, beforeIcon } from '../internal/icons.js';
import { words } from '../internal/words.js';

/** What a person does with messages; each by the message's id. */
export interface MessageActions {
  readonly copy: (text: string) => Promise<boolean>;
  /** Opens the field in the message. */
  readonly edit: (id: string) => void;
  /** Sends it in other words. False where there is nothing to send. */
  readonly submitEdit: (id: string, text: string) => boolean;
  readonly cancelEdit: (id: string) => void;
  readonly delete: (id: string) => void;
  /** An answer anew, beside the one that is there. */
  readonly again: (id: string) => void;
  /** Has the newest answer go on. */
  readonly proceed: () => void;
  /** Shows the version before (-1) or after (1). */
  readonly turn: (id: string, step: -1 | 1) => void;
}

export interface ActionButton {
  readonly label: string;
  readonly icon: TemplateResult;
  readonly run: () => void;
  /** Shown beside the icon. */
  readonly text?: string;
  /** What tests and the focus find it by. */
  readonly name: string;
}

export const renderButton = ({ label, icon, run, text, name }: ActionButton, busy: boolean): TemplateResult =>
  html`<button
    type="button"
    class="plain small"
    data-action=${name}
    aria-label=${text === undefined ? label : nothing}
    title=${label}
    aria-disabled=${busy ? 'true' : 'false'}
    @click=${() => {
      if (!busy) run();
    }}
  >
    ${icon}${text}
  </button>`;

/** "2 / 3" with a way to the other versions; nothing where there is only one. */
export function renderVersions(
  id: string,
  siblings: readonly string[],
  busy: boolean,
  turn: MessageActions['turn'],
): unknown {
  if (siblings.length < 2) return nothing;
  const place = siblings.indexOf(id) + 1;
  const step = (by: -1 | 1): TemplateResult => {
    const possible = !busy && place + by >= 1 && place + by <= siblings.length;
    const label = by < 0 ? words.chat.earlier : words.chat.later;
    return html`<button
      type="button"
      class="plain small"
      data-action=${by < 0 ? 'earlier' : 'later'}
      aria-label=${label}
      title=${label}
      aria-disabled=${possible ? 'false' : 'true'}
      @click=${() => {
        if (possible) turn(id, by);
      }}
    >
      ${by < 0 ? beforeIcon() : afterIcon()}
    </button>`;
  };
  const said = words.chat.version(place, siblings.length);
  return html`<span class="versions" part="versions" role="group" aria-label=${said}>
    ${step(-1)}<span aria-hidden="true">${String(place)} / ${String(siblings.length)}</span>${step(1)}
  </span>`;
}

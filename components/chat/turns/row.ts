// What stands under a message: the row of small buttons, the switch between its versions, who wrote it and how fast.
// Template functions of turns.ts; they hold no state. Nothing here is disabled while an answer is written, so that no
// focus is lost: the buttons say that they do nothing (`aria-disabled`).

import { html, nothing, type TemplateResult } from 'lit';
import { formatRate } from '../../internal/more-formats.js';
import { cloudIcon, copyIcon, deviceIcon } from '../../internal/icons.js';
import { afterIcon, beforeIcon, editIcon, proceedIcon, retryIcon, trashIcon } from '../../internal/more-icons.js';
import { words } from '../../internal/words.js';
import { canContinue, type AnswerEntry, type UserEntry } from '../entries.js';
import { tokenWords } from '../../internal/token-words.js';
import { turnsWords } from './turns.words.js';

/** What a person does with messages; each by the message's id. */
export interface MessageActions {
  readonly copy: (text: string) => Promise<boolean>;
  /** Opens the field in the message. */
  readonly edit: (id: string) => void;
  readonly delete: (id: string) => void;
  /** An answer anew, beside the one that is there. */
  readonly again: (id: string) => void;
  /** Has the newest answer go on. */
  readonly proceed: () => void;
  /** Shows the version before (-1) or after (1). */
  readonly turn: (id: string, step: -1 | 1) => void;
}

export interface RowContext {
  /** An answer is being written: until it is whole, little can be done. */
  readonly busy: boolean;
  /** The versions of the message, itself included. */
  readonly siblings: readonly string[];
  readonly actions: MessageActions;
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

export const renderButton = ({ label, icon, run, text, name }: ActionButton, idle: boolean): TemplateResult =>
  html`<button
    type="button"
    class="plain small"
    data-action=${name}
    aria-label=${text === undefined ? label : nothing}
    title=${label}
    aria-disabled=${idle ? 'true' : 'false'}
    @click=${() => {
      if (!idle) run();
    }}
  >
    ${icon}${text}
  </button>`;

/** "2 / 3" with a way to the other versions; nothing where there is only one. */
function renderVersions(id: string, { siblings, busy, actions }: RowContext): unknown {
  if (siblings.length < 2) return nothing;
  const place = siblings.indexOf(id) + 1;
  const earlier = { name: 'earlier', label: turnsWords.earlier, icon: beforeIcon(), run: () => actions.turn(id, -1) };
  const later = { name: 'later', label: turnsWords.later, icon: afterIcon(), run: () => actions.turn(id, 1) };
  return html`<span
    class="versions"
    part="versions"
    role="group"
    aria-label=${turnsWords.version(place, siblings.length)}
  >
    ${renderButton(earlier, busy || place <= 1)}<span aria-hidden="true"
      >${String(place)} / ${String(siblings.length)}</span
    >${renderButton(later, busy || place >= siblings.length)}
  </span>`;
}

/** Under the visitor's words. */
export function renderQuestionRow({ id, text }: UserEntry, context: RowContext): TemplateResult {
  const { busy, actions } = context;
  const copy = { name: 'copy', label: turnsWords.copyMessage, icon: copyIcon(), run: () => void actions.copy(text) };
  const edit = { name: 'edit', label: turnsWords.edit, icon: editIcon(), run: () => actions.edit(id) };
  const remove = { name: 'delete', label: turnsWords.delete, icon: trashIcon(), run: () => actions.delete(id) };
  return html`${renderVersions(id, context)}${renderButton(copy, false)}${renderButton(edit, busy)}${renderButton(remove, busy)}`;
}

export interface AnswerRowContext extends RowContext {
  readonly newest: boolean;
  /** Of the model that wrote it. */
  readonly modelName: string;
  /** What else stands among the buttons. */
  readonly extra: unknown;
}

/** Under an answer. */
export function renderAnswerRow(answer: AnswerEntry, context: AnswerRowContext): TemplateResult {
  const { id, text, provenance, usage, tokensPerSecond, status } = answer;
  const { busy, actions, newest } = context;
  const facts = [
    status === 'stopped' ? turnsWords.stopped : status === 'interrupted' ? turnsWords.interrupted : '',
    provenance === null ? '' : context.modelName,
    tokensPerSecond === null ? '' : formatRate(tokensPerSecond),
    usage === null || usage.completion_tokens === 0 ? '' : tokenWords.tokens(usage.completion_tokens),
  ].filter((fact) => fact !== '');
  const again = { name: 'again', icon: retryIcon(), run: () => actions.again(id) };
  const proceed = { name: 'proceed', icon: proceedIcon(), run: () => actions.proceed() };
  const copy = { name: 'copy', label: turnsWords.copyAnswer, icon: copyIcon(), run: () => void actions.copy(text) };
  const remove = { name: 'delete', label: turnsWords.delete, icon: trashIcon(), run: () => actions.delete(id) };
  return html`<span class="actions">
      ${renderVersions(id, context)}
      ${
        newest && canContinue(answer)
          ? renderButton({ ...proceed, label: turnsWords.proceed, text: turnsWords.proceed }, busy)
          : nothing
      }
      ${text === '' ? nothing : renderButton(copy, false)}
      ${answer.error === null ? renderButton({ ...again, label: newest ? words.chat.retry : turnsWords.again }, busy) : nothing}
      ${renderButton(remove, busy)}${context.extra}
    </span>
    ${
      provenance === null
        ? nothing
        : provenance.backend === 'cloud' || answer.cloudFrom !== null
          ? html`<span class="where cloud">${cloudIcon()}${words.chat.cloud}</span>`
          : html`<span class="where">${deviceIcon()}${turnsWords.onDevice}</span>`
    }
    ${facts.map((fact) => html`<span><bdi>${fact}</bdi></span>`)}`;
}

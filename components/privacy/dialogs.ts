// The two questions of `<llm-privacy>`: may the cloud answer, and shall everything be erased. The browser's own modal
// dialogs: they keep the focus inside, close with Escape (which is a no) and give the focus back to what asked. Template
// functions; they hold no state.

import { html, type TemplateResult } from 'lit';
import { privacyWords } from './privacy.words.js';

export interface Question {
  /** The visitor says yes. */
  readonly agreed: () => void;
  /** The dialog is closed, whatever was said. */
  readonly closed: () => void;
}

const close = ({ currentTarget }: Event): void => {
  if (currentTarget instanceof Element) currentTarget.closest('dialog')?.close();
};

export function renderConsent(host: string, { agreed, closed }: Question): TemplateResult {
  const text = privacyWords.consent;
  const allow = (event: Event) => {
    agreed();
    close(event);
  };
  return html`<dialog id="consent" part="dialog" aria-labelledby="consent-title" @close=${closed}>
    <h2 id="consent-title" dir="auto">${text.title(host)}</h2>
    <p dir="auto">${text.intro(host)}</p>
    <p>${text.sentTitle}</p>
    <ul>
      <li>${text.sent}</li>
      <li>${text.sentSite}</li>
    </ul>
    <p>${text.kept}</p>
    <p dir="auto">${text.operator(host)} ${text.revoke}</p>
    <div class="actions">
      <button type="button" autofocus part="refuse-button" @click=${close}>${text.refuse}</button>
      <button type="button" class="cloud" part="allow-button" @click=${allow}>${text.allow}</button>
    </div>
  </dialog>`;
}

export function renderErasing({ agreed, closed }: Question): TemplateResult {
  const text = privacyWords.erase;
  const erase = (event: Event) => {
    agreed();
    close(event);
  };
  return html`<dialog
    id="erase"
    part="dialog"
    aria-labelledby="erase-title"
    aria-describedby="erase-text"
    @close=${closed}
  >
    <h2 id="erase-title">${text.title}</h2>
    <p id="erase-text">${text.text}</p>
    <div class="actions">
      <button type="button" autofocus part="keep-button" @click=${close}>${text.keep}</button>
      <button type="button" class="danger" part="confirm-button" @click=${erase}>${text.confirm}</button>
    </div>
  </dialog>`;
}

// An EngineError as a person meets it: what was wrong, what to do, and a button where trying again makes sense.
// Used by chat, picker and metrics. The words are the engine's (engine/protocol/errors.ts), which are English; other
// languages say in a sentence what the code means and show the engine's words below. Text only, never markup.

import { html, nothing, type TemplateResult } from 'lit';
import type { EngineErrorShape } from '../../engine/protocol/errors.js';
import { warningIcon } from './icons.js';
import { words } from './words.js';

export function errorNotice(
  error: EngineErrorShape,
  retry?: { readonly label: string; readonly run: () => void },
): TemplateResult {
  const said = words.errors[error.code];
  return html`<div class="notice" part="error" data-code=${error.code} dir="auto">
    ${warningIcon()} ${said === '' ? html`<p>${error.message}</p>` : html`<p>${said}</p>`}
    ${
      said === ''
        ? html`${error.hint === '' ? nothing : html`<p class="hint">${error.hint}</p>`}`
        : html`<p class="hint" lang="en" dir="ltr">${error.message} ${error.hint}</p>`
    }
    ${retry === undefined ? nothing : html`<button type="button" @click=${retry.run}>${retry.label}</button>`}
  </div>`;
}

/** The same for a voice. */
export const spokenError = (error: EngineErrorShape): string =>
  words.errors[error.code] || `${error.message} ${error.hint}`;

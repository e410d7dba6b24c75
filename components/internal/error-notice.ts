// An EngineError as a person meets it: what was wrong, what to do, and a button where trying again makes sense.
// Used by chat, picker and metrics. The words are the engine's (engine/protocol/errors.ts); text only, never markup.

import { html, nothing, type TemplateResult } from 'lit';
import type { EngineErrorShape } from '../../engine/protocol/errors.js';
import { warningIcon } from './icons.js';

export function errorNotice(
  error: EngineErrorShape,
  retry?: { readonly label: string; readonly run: () => void },
): TemplateResult {
  return html`<div class="notice" part="error" data-code=${error.code} dir="auto">
    ${warningIcon()}
    <p>${error.message}</p>
    ${error.hint === '' ? nothing : html`<p class="hint">${error.hint}</p>`}
    ${retry === undefined ? nothing : html`<button type="button" @click=${retry.run}>${retry.label}</button>`}
  </div>`;
}

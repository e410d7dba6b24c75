// A model that is in no catalogue: a GGUF file from the visitor's disk (dropped, or chosen with a button) or an address that
// they paste. Template functions of `<llm-model-picker>`; they hold no state. What the file is, only the engine finds out.

import { html, type TemplateResult } from 'lit';
import type { EngineErrorShape } from '../../engine/protocol/errors.js';
import { pickerWords } from './model-picker.words.js';

export interface OwnModelOptions {
  /** What was pasted last is no address. */
  readonly refused: boolean;
  readonly open: (file: File) => void;
  readonly go: (address: string) => void;
}

export function renderOwnModel({ refused, open, go }: OwnModelOptions): TemplateResult {
  const own = pickerWords.own;
  const chosen = ({ currentTarget }: Event) => {
    if (!(currentTarget instanceof HTMLInputElement)) return;
    const file = currentTarget.files?.[0];
    // The same file chosen again is a change again.
    currentTarget.value = '';
    if (file !== undefined) open(file);
  };
  const choose = ({ currentTarget }: Event) => {
    const input = currentTarget instanceof HTMLElement ? currentTarget.nextElementSibling : null;
    if (input instanceof HTMLInputElement) input.click();
  };
  const submit = (event: Event) => {
    event.preventDefault();
    const field = event.currentTarget instanceof HTMLFormElement ? event.currentTarget.elements[0] : null;
    if (field instanceof HTMLInputElement) go(field.value.trim());
  };
  return html`<details class="own" part="own-model">
    <summary>${own.label}</summary>
    <p class="quiet"><bdi>${own.drop}</bdi></p>
    <div>
      <button type="button" part="file-button" @click=${choose}>${own.file}</button>
      <input type="file" accept=".gguf" hidden @change=${chosen} />
    </div>
    <form novalidate @submit=${submit}>
      <label class="hidden" for="address">${own.address}</label>
      <input
        class="field"
        id="address"
        part="address"
        type="url"
        dir="ltr"
        autocomplete="off"
        spellcheck="false"
        placeholder=${own.placeholder}
        aria-invalid=${refused ? 'true' : 'false'}
      />
      <button part="address-button">${own.load}</button>
    </form>
  </details>`;
}

/** Only the web's addresses: what else a page could mean by text ("./model") is not a visitor's to write. */
export function isModelAddress(text: string): boolean {
  return URL.canParse(text) && ['https:', 'http:'].includes(new URL(text).protocol);
}

export const noAddress = (): EngineErrorShape => ({
  code: 'invalid-request',
  message: pickerWords.own.noAddress,
  hint: pickerWords.own.noAddressHint,
});

export const noFile = (): EngineErrorShape => ({
  code: 'invalid-request',
  message: pickerWords.own.noFile,
  hint: pickerWords.own.noFileHint,
});

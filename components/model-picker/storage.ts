// What of this device models take, in words, and the question before one is deleted. Template functions of
// `<llm-model-picker>`; they hold no state. The question is the browser's own modal dialog: it keeps the focus inside,
// closes with Escape and gives the focus back to the button that asked.

import { html, nothing, type TemplateResult } from 'lit';
import type { ModelStorage } from '../../engine/client/index.js';
import type { KeptModel } from '../../engine/protocol/state.js';
import { formatBytes } from '../internal/format.js';
import { pickerWords } from './model-picker.words.js';
import { freeBytes } from './choices.js';

export function renderStorage(storage: ModelStorage | null): unknown {
  if (storage === null) return nothing;
  return html`<p class="storage quiet" part="storage"><bdi>${storageText(storage)}</bdi></p>`;
}

function storageText(storage: ModelStorage): string {
  const text = pickerWords.storage;
  const { kind, models, usage, persisted } = storage;
  if (kind === 'none') return text.never;
  const bytes = models.reduce((sum, { storedBytes }) => sum + storedBytes, 0);
  const free = freeBytes(storage);
  return [
    models.length === 0 ? text.none : text.models(models.length, formatBytes(bytes)),
    usage === null || free === null ? '' : text.room(formatBytes(usage), formatBytes(free)),
    kind === 'memory' ? text.memory : persisted === false && models.length > 0 ? text.mayClear : '',
  ]
    .filter((sentence) => sentence !== '')
    .join(' ');
}

/** What is about to be deleted. */
export interface Removal {
  readonly name: string;
  readonly kept: KeptModel;
  /** It is loaded, for every tab. */
  readonly inUse: boolean;
}

export interface RemovalOptions {
  /** Null while nothing is asked. */
  readonly removal: Removal | null;
  readonly confirm: (removal: Removal) => void;
  readonly closed: () => void;
}

export function renderRemoval({ removal, confirm, closed }: RemovalOptions): TemplateResult {
  const text = pickerWords.confirm;
  const close = ({ currentTarget }: Event) => {
    if (currentTarget instanceof Element) currentTarget.closest('dialog')?.close();
  };
  const agreed = (event: Event) => {
    close(event);
    if (removal !== null) confirm(removal);
  };
  return html`<dialog part="dialog" aria-labelledby="removal" aria-describedby="removal-text" @close=${closed}>
    ${
      removal === null
        ? nothing
        : html`<h2 id="removal" dir="auto">${text.title(removal.name)}</h2>
            <p id="removal-text" dir="auto">${removalText(removal)}</p>
            <div class="actions">
              <button type="button" autofocus @click=${close}>${text.keep}</button>
              <button type="button" class="danger" @click=${agreed}>${text.delete}</button>
            </div>`
    }
  </dialog>`;
}

function removalText({ kept, inUse }: Removal): string {
  const text = pickerWords.confirm;
  const size = formatBytes(kept.storedBytes);
  const frees = kept.source.startsWith('file:') ? text.textOfFile(size) : text.text(size);
  return inUse ? `${text.inUse} ${frees}` : frees;
}

// One model as a card: what it is, whether it is kept here, its download under way, the buttons for it. Template functions
// of `<llm-model-picker>`; they hold no state and show what the engine's state says.

import { html, nothing, type TemplateResult } from 'lit';
import { live } from 'lit/directives/live.js';
import { cloudModelId, type EngineStatus, type KeptModel } from '../../engine/protocol/state.js';
import { formatBytes, formatPercent } from '../internal/format.js';
import { checkIcon, deviceIcon, warningIcon } from '../internal/icons.js';
import { words } from '../internal/words.js';
import { pickerWords } from './model-picker.words.js';
import { isPartial, type Choice } from './choices.js';

export type Loading = Extract<EngineStatus, { kind: 'loading' }>;

export interface CardOptions {
  /** In the element's tree, unique. */
  readonly id: string;
  readonly choice: Choice;
  /** In use. */
  readonly current: boolean;
  /** What the visitor pointed at. */
  readonly selected: boolean;
  /** Its load under way, whichever tab asked for it. */
  readonly loading: Loading | null;
  readonly choose: () => void;
  readonly load: () => void;
  readonly cancel: () => void;
  readonly pause: (paused: boolean) => void;
  /** Asks before it does. */
  readonly remove: (kept: KeptModel) => void;
}

export function renderCard(options: CardOptions): TemplateResult {
  const { id, choice, current, selected, loading, choose } = options;
  return html`<div class="card" part="model" ?data-selected=${selected} ?data-current=${current}>
    <label>
      <input
        type="radio"
        name="model"
        value=${choice.id}
        .checked=${live(selected)}
        aria-labelledby=${`${id}-name`}
        aria-describedby=${`${id}-about`}
        @change=${choose}
      />
      <span class="name" id=${`${id}-name`}><bdi>${choice.name}</bdi></span>
      ${current ? html`<span class="badge">${checkIcon()}${pickerWords.current}</span>` : nothing}
      <span class="about" id=${`${id}-about`}>
        ${current ? html`<span class="hidden">${pickerWords.current}. </span>` : nothing}
        <span dir="auto">${choice.description}</span>
        ${
          choice.verdict === null
            ? nothing
            : html`<span class="verdict" part="verdict" data-tier=${choice.verdict.tier}
                ><bdi>${choice.verdict.text}</bdi></span
              >`
        }
        <span class="facts">${choice.facts.map((fact) => html`<span><bdi>${fact}</bdi></span>`)}</span>
        ${
          // While it loads, the progress says what is here, and what was known before is out of date.
          choice.kept === null || loading !== null
            ? nothing
            : html`<span class="kept">${deviceIcon()}<bdi>${keptText(choice.kept)}</bdi></span>`
        }
        ${choice.warning === '' ? nothing : html`<span class="warning">${warningIcon()}<bdi>${choice.warning}</bdi></span>`}
      </span>
    </label>
    ${loading === null ? nothing : renderProgress(loading)} ${renderButtons(options)}
  </div>`;
}

/** The first button stays the same one when "Load" becomes "Cancel", so that the focus stays on it. */
function renderButtons({ choice, current, selected, loading, ...act }: CardOptions): unknown {
  const { kept } = choice;
  const loadable = loading === null && !current && selected;
  const pausable = loading !== null && loading.phase !== 'preparing' && loading.modelId !== cloudModelId;
  const removable = kept !== null && loading === null;
  if (!loadable && loading === null && !removable) return nothing;
  const paused = loading?.phase === 'paused';
  return html`<div class="actions">
    ${
      loadable || loading !== null
        ? html`<button
            type="button"
            part="button"
            class=${loading === null ? 'primary' : ''}
            @click=${loading === null ? act.load : act.cancel}
          >
            ${loading === null ? choice.action : pickerWords.cancel}
          </button>`
        : nothing
    }
    ${
      pausable
        ? html`<button type="button" part="pause-button" @click=${() => act.pause(!paused)}>
            ${paused ? pickerWords.resume : pickerWords.pause}
          </button>`
        : nothing
    }
    ${
      removable
        ? html`<button
            type="button"
            part="delete-button"
            aria-label=${pickerWords.deleteNamed(choice.name)}
            @click=${() => act.remove(kept)}
          >
            ${pickerWords.delete}
          </button>`
        : nothing
    }
  </div>`;
}

function renderProgress(loading: Loading): TemplateResult {
  const { loadedBytes, totalBytes, phase } = loading;
  const known = phase !== 'preparing' && totalBytes > 0;
  const facts = progressFacts(loading);
  return html`<div class="progress">
    ${
      known
        ? html`<progress
            class="bar"
            part="progress"
            max=${totalBytes}
            .value=${loadedBytes}
            aria-label=${pickerWords.progress}
            aria-valuetext=${facts[0] ?? nothing}
          ></progress>`
        : html`<progress class="bar" part="progress" aria-label=${pickerWords.progress}></progress>`
    }
    <span class="facts">${facts.map((fact) => html`<span><bdi>${fact}</bdi></span>`)}</span>
  </div>`;
}

/** How far, how fast, how long still: each only as far as it is known. */
export function progressFacts(loading: Loading): readonly string[] {
  const { modelName, loadedBytes, totalBytes, phase, bytesPerSecond, secondsLeft } = loading;
  if (phase === 'preparing') return [words.status.preparing(modelName)];
  const percent = formatPercent(Math.min(1, Math.floor((100 * loadedBytes) / totalBytes) / 100));
  const bytes =
    totalBytes > 0
      ? pickerWords.loaded(formatBytes(loadedBytes), formatBytes(totalBytes), percent)
      : formatBytes(loadedBytes);
  if (phase === 'paused') return [pickerWords.paused, bytes];
  return [
    bytes,
    bytesPerSecond === undefined ? '' : pickerWords.rate(formatBytes(bytesPerSecond)),
    secondsLeft === undefined ? '' : pickerWords.timeLeft(secondsLeft),
  ].filter((fact) => fact !== '');
}

function keptText(kept: KeptModel): string {
  const { storedBytes, byteLength } = kept;
  return isPartial(kept)
    ? pickerWords.keptPartly(formatBytes(storedBytes), formatBytes(byteLength))
    : pickerWords.kept(formatBytes(storedBytes));
}

// The fields of `<llm-settings>`, one function each: label, control, a line that explains. They hold no state and show what
// the engine's state says (`live`: also after a change that was refused).

import { html, noChange, nothing, type TemplateResult } from 'lit';
import { live } from 'lit/directives/live.js';
import {
  highestTemperature,
  mostTokens,
  type PreferencesChange,
  type VisitorPreferences,
} from '../../engine/protocol/preferences.js';
import type { ModelListing } from '../../engine/protocol/state.js';
import { formatNumber } from '../internal/format.js';
import { settingsWords } from './settings.words.js';

/** Asks the engine for a change. */
export type Change = (change: PreferencesChange) => void;

interface Option {
  readonly value: string;
  readonly label: string;
}

function renderSelect(
  id: string,
  text: { readonly label: string; readonly detail: string },
  options: readonly Option[],
  chosen: string,
  choose: (value: string) => void,
): TemplateResult {
  return html`<div class="row" part="field">
    <label for=${id}>${text.label}</label>
    <select
      id=${id}
      class="field"
      part="control"
      aria-describedby=${`${id}-detail`}
      @change=${({ currentTarget }: Event) => {
        if (currentTarget instanceof HTMLSelectElement) choose(currentTarget.value);
      }}
    >
      ${options.map(
        ({ value, label }) => html`<option value=${value} .selected=${live(value === chosen)}>${label}</option>`,
      )}
    </select>
    <p class="quiet" id=${`${id}-detail`}>${text.detail}</p>
  </div>`;
}

const devices = ['auto', 'webgpu', 'wasm'] as const;

export function renderDevice({ device }: VisitorPreferences, change: Change): TemplateResult {
  const text = settingsWords.device;
  const options = [
    { value: '', label: settingsWords.standard },
    ...devices.map((value) => ({ value, label: text[value] })),
  ];
  return renderSelect('device', text, options, device ?? '', (value) => {
    change({ device: devices.find((each) => each === value) ?? null });
  });
}

export interface ModelChoice {
  readonly preferences: VisitorPreferences;
  readonly models: readonly ModelListing[];
  /** Of the site; empty while it is unknown. */
  readonly defaultModel: string;
}

export function renderModel({ preferences, models, defaultModel }: ModelChoice, change: Change): TemplateResult {
  const { model } = preferences;
  const nameOf = (id: string): string => models.find((listing) => listing.id === id)?.name ?? id;
  const standard = defaultModel === '' ? settingsWords.standard : settingsWords.standardOf(nameOf(defaultModel));
  const listed = models.map(({ id, name }) => ({ value: id, label: name }));
  // One that was brought by hand stays chosen, though no catalogue has it.
  const own = model === null || models.some(({ id }) => id === model) ? [] : [{ value: model, label: model }];
  return renderSelect(
    'model',
    settingsWords.model,
    [{ value: '', label: standard }, ...listed, ...own],
    model ?? '',
    (value) => change({ model: value === '' ? null : value }),
  );
}

/** Where the slider stands while nothing is chosen. */
const middle = 0.7;

/**
 * @param moving what the visitor is moving it to; null while they are not
 * @param move tells of that
 */
export function renderTemperature(
  { temperature }: VisitorPreferences,
  moving: number | null,
  move: (value: number) => void,
  change: Change,
): TemplateResult {
  const text = settingsWords.temperature;
  const shown = moving ?? temperature;
  const said = shown === null ? text.standard : formatNumber(shown, 1);
  const value = ({ currentTarget }: Event): number =>
    currentTarget instanceof HTMLInputElement ? currentTarget.valueAsNumber : middle;
  const reset = ({ currentTarget }: Event): void => {
    // The button goes with what it takes back: the focus stays at the field.
    if (currentTarget instanceof Element) currentTarget.parentElement?.querySelector('input')?.focus();
    change({ temperature: null });
  };
  return html`<div class="row" part="field">
    <div class="line">
      <label for="temperature">${text.label}</label>
      <output for="temperature" aria-live="off"><bdi>${said}</bdi></output>
    </div>
    <input
      id="temperature"
      part="control"
      type="range"
      min="0"
      max=${highestTemperature}
      step="0.1"
      .value=${live(String(shown ?? middle))}
      aria-valuetext=${said}
      aria-describedby="temperature-detail"
      @input=${(event: Event) => move(value(event))}
      @change=${(event: Event) => change({ temperature: value(event) })}
    />
    <div class="line quiet" aria-hidden="true"><span>${text.low}</span><span>${text.high}</span></div>
    <p class="quiet" id="temperature-detail">${text.detail}</p>
    ${
      temperature === null
        ? nothing
        : html`<button type="button" class="small" part="button" @click=${reset}>${text.reset}</button>`
    }
  </div>`;
}

/** @param wrong what was typed last is no limit */
export function renderMaxTokens(
  { maxTokens }: VisitorPreferences,
  wrong: boolean,
  refuse: (wrong: boolean) => void,
  change: Change,
): TemplateResult {
  const text = settingsWords.maxTokens;
  const changed = ({ currentTarget }: Event): void => {
    if (!(currentTarget instanceof HTMLInputElement)) return;
    const { value, valueAsNumber: number, validity } = currentTarget;
    if (value === '' && !validity.badInput) {
      refuse(false);
      change({ maxTokens: null });
    } else if (Number.isInteger(number) && number >= 1 && number <= mostTokens) {
      refuse(false);
      change({ maxTokens: number });
    } else {
      refuse(true);
    }
  };
  return html`<div class="row" part="field">
    <label for="max-tokens">${text.label}</label>
    <input
      id="max-tokens"
      class="field"
      part="control"
      type="number"
      inputmode="numeric"
      min="1"
      max=${mostTokens}
      step="1"
      placeholder=${text.placeholder}
      .value=${wrong ? noChange : live(maxTokens === null ? '' : String(maxTokens))}
      aria-invalid=${wrong ? 'true' : 'false'}
      aria-describedby=${wrong ? 'max-tokens-wrong max-tokens-detail' : 'max-tokens-detail'}
      @change=${changed}
    />
    ${wrong ? html`<p class="wrong" id="max-tokens-wrong">${text.wrong(mostTokens)}</p>` : nothing}
    <p class="quiet" id="max-tokens-detail">${text.detail}</p>
  </div>`;
}

export function renderKeep({ keepConversations }: VisitorPreferences, change: Change): TemplateResult {
  const text = settingsWords.keep;
  // The state decides what the switch shows.
  const pressed = (event: Event) => {
    event.preventDefault();
    change({ keepConversations: !keepConversations });
  };
  return html`<label class="switch row" part="field">
    <span id="keep-name">${text.label}</span>
    <input
      type="checkbox"
      role="switch"
      part="control"
      .checked=${live(keepConversations)}
      aria-labelledby="keep-name"
      aria-describedby="keep-detail"
      @click=${pressed}
    />
    <span class="quiet" id="keep-detail">${keepConversations ? text.detail : text.off}</span>
  </label>`;
}

// Which figures `<llm-metrics>` shows, and in which words: rows of names and values, made of the engine's state. Template
// functions; they hold no state. Null is "none yet"; what is not built or not running here says "not in use".

import { html, nothing, type TemplateResult } from 'lit';
import type { EngineMetrics, EngineState } from '../../engine/protocol/state.js';
import { formatBytes, formatNumber } from '../internal/format.js';
import { formatDuration, formatRate } from '../internal/more-formats.js';
import { valuesOf, type Sample } from './history.js';
import { metricsWords } from './metrics.words.js';
import { sparkline } from './sparkline.js';
import { tokenWords } from '../internal/token-words.js';

type Figure = readonly [name: string, value: string | TemplateResult | null];

/** The two that people ask for first, with what is usual and a line of the last ones. */
export function renderMain(metrics: EngineMetrics | null, samples: readonly Sample[]): TemplateResult {
  const text = metricsWords;
  const first = figure(
    metrics?.timeToFirstToken ?? null,
    usual(metrics?.timeToFirstTokenP50 ?? null, metrics?.timeToFirstTokenP90 ?? null, formatDuration, text.within),
    formatDuration,
    text.timeToFirstToken,
    valuesOf(samples, 'firstToken'),
  );
  const speed = figure(
    metrics?.tokensPerSecond ?? null,
    usual(metrics?.tokensPerSecondP50 ?? null, metrics?.tokensPerSecondP90 ?? null, formatRate, text.atLeast),
    formatRate,
    text.speed,
    valuesOf(samples, 'speed'),
  );
  return html`<dl class="main" part="base">${first}${speed}</dl>`;
}

function figure(
  value: number | null,
  usually: string,
  format: (value: number) => string,
  name: string,
  values: readonly number[],
): TemplateResult {
  const line = sparkline(values, ({ least, most, now }) =>
    metricsWords.trend(name, format(least), format(most), format(now)),
  );
  return html`<div part="figure">
    <dt>${name}</dt>
    <dd dir="auto">${value === null ? none() : format(value)}</dd>
    ${usually === '' ? nothing : html`<dd class="usual" dir="auto">${usually}</dd>`}
    ${line === nothing ? nothing : html`<dd class="trend">${line}</dd>`}
  </div>`;
}

function usual(
  middle: number | null,
  most: number | null,
  format: (value: number) => string,
  bound: (figure: string) => string,
): string {
  return middle === null || most === null ? '' : metricsWords.usual(format(middle), bound(format(most)));
}

export function renderDetails(state: EngineState | null): TemplateResult {
  return html`${renderList(answerFigures(state))}${renderList(memoryFigures(state))}${renderList(engineFigures(state))}`;
}

function answerFigures(state: EngineState | null): readonly Figure[] {
  const text = metricsWords;
  const model = state?.status.kind === 'ready' ? state.status.model : null;
  const asked = state !== null && state.metrics.requests > 0 ? state.metrics : null;
  return [
    [text.answer, asked === null ? null : tokenWords.tokens(asked.completionTokens)],
    [text.total, asked === null ? null : tokenWords.tokens(asked.totalCompletionTokens)],
    [text.answers, asked === null ? null : formatNumber(asked.requests)],
    [
      text.context,
      asked === null || model === null
        ? null
        : html`${text.contextOf(asked.contextTokens, model.contextLength)}
            <progress
              class="bar"
              max=${model.contextLength}
              .value=${Math.min(asked.contextTokens, model.contextLength)}
              aria-label=${text.context}
              aria-valuetext=${text.contextOf(asked.contextTokens, model.contextLength)}
            ></progress>`,
    ],
    [
      text.cached,
      asked === null || asked.totalPromptTokens === 0
        ? null
        : text.cachedOf(asked.cachedPromptTokens, asked.totalPromptTokens),
    ],
    [
      text.acceptance,
      asked === null || asked.drafted === 0 ? text.unused : text.cachedOf(asked.accepted, asked.drafted),
    ],
    [text.fallbacks, asked === null ? null : text.fallbacksOf(asked.fallbacks, asked.fallbacks / asked.requests)],
    [text.energy, typeof asked?.energyJoules === 'number' ? text.joules(asked.energyJoules) : null],
  ];
}

function memoryFigures(state: EngineState | null): readonly Figure[] {
  const text = metricsWords;
  const metrics = state?.metrics;
  const model = state?.status.kind === 'ready' ? state.status.model : null;
  const bytes = (value: number | undefined): string => (value ? formatBytes(value) : text.unused);
  return [
    [text.weights, model === null ? null : formatBytes(model.weightBytes)],
    [text.gpuMemory, bytes(metrics?.gpuBytes)],
    [text.conversationMemory, metrics === undefined || metrics.requests === 0 ? null : formatBytes(metrics.kvHotBytes)],
    [text.coldMemory, bytes(metrics?.kvColdBytes)],
  ];
}

function engineFigures(state: EngineState | null): readonly Figure[] {
  const text = metricsWords;
  const model = state?.status.kind === 'ready' ? state.status.model : null;
  return [
    [text.model, model?.name ?? null],
    [text.device, model === null ? null : [text.devices[model.device], model.deviceName].filter(Boolean).join(': ')],
    [text.decoder, model?.decoder ?? null],
    [text.load, model === null ? null : formatDuration(model.loadMilliseconds)],
    [text.queue, state === null ? null : queueOf(state)],
    [text.tabs, state === null ? null : formatNumber(state.tabs)],
  ];
}

function queueOf({ generating, waiting }: EngineState): string {
  if (waiting.length > 0) return metricsWords.waiting(generating.length, waiting.length);
  return generating.length === 0 ? metricsWords.idle : metricsWords.running(generating.length);
}

const none = (): TemplateResult =>
  html`<span class="none" aria-hidden="true">–</span><span class="hidden">${metricsWords.none}</span>`;

const renderList = (figures: readonly Figure[]): TemplateResult =>
  html`<dl class="details" part="base">
    ${figures.map(
      ([term, value]) =>
        html`<div part="figure">
          <dt>${term}</dt>
          <dd><bdi>${value ?? none()}</bdi></dd>
        </div>`,
    )}
  </dl>`;

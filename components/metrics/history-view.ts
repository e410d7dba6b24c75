// The part of `<llm-metrics>` that shows the long history: closed it costs nothing, opened it loads the chart and keeps it
// up to date. One per element. What goes wrong: the chart cannot be loaded (offline at the first opening): words say so,
// and the next opening tries again.

import { html, nothing, type ReactiveController, type ReactiveElement, type TemplateResult } from 'lit';
import { formatNumber } from '../internal/format.js';
import { formatDate } from '../internal/more-formats.js';
import { inLanguageOf } from '../internal/texts.js';
import type { HistoryChart } from './history-chart.js';
import { extentOf, seriesNames, valuesOf, type History, type SeriesName } from './history.js';
import { metricsWords } from './metrics.words.js';

export class HistoryView implements ReactiveController {
  readonly #host: ReactiveElement;
  readonly #history: History;
  #open = false;
  #series: SeriesName = 'speed';
  #failed = false;
  #loading = false;
  #chart: { readonly chart: HistoryChart; readonly key: string } | null = null;
  /** Colours follow the scheme: a chart is drawn anew when it changes. */
  readonly #scheme = globalThis.matchMedia?.('(prefers-color-scheme: dark)');
  readonly #schemeChanged = () => this.#redraw();

  constructor(host: ReactiveElement, history: History) {
    this.#host = host;
    this.#history = history;
    host.addController(this);
  }

  hostConnected(): void {
    this.#scheme?.addEventListener('change', this.#schemeChanged);
  }

  hostDisconnected(): void {
    this.#scheme?.removeEventListener('change', this.#schemeChanged);
    this.#drop();
  }

  hostUpdated(): void {
    if (this.#open && this.#history.samples.length > 0) void this.#draw();
    else this.#drop();
  }

  render(): TemplateResult {
    const text = metricsWords.history;
    const { samples } = this.#history;
    return html`<details class="more" part="history" @toggle=${this.#toggled}>
      <summary>${text.label}</summary>
      ${
        samples.length === 0
          ? html`<p class="quiet">${text.empty}</p>`
          : html`<label class="choose">
                <span>${text.choose}</span>
                <select class="field" @change=${this.#chosen}>
                  ${seriesNames.map(
                    (name) =>
                      html`<option value=${name} .selected=${name === this.#series}>${text.series[name]}</option>`,
                  )}
                </select>
              </label>
              <div class="chart" part="chart" role="img" aria-label=${this.#words()}></div>
              <p class="quiet" dir="auto">${this.#words()}</p>`
      }
      ${this.#failed ? html`<p class="quiet">${text.failed}</p>` : nothing}
    </details>`;
  }

  #words(): string {
    const text = metricsWords.history;
    const values = valuesOf(this.#history.samples, this.#series);
    const extent = extentOf(values);
    if (extent === null) return text.empty;
    const scale = this.#series === 'memory' ? 1e-6 : 1;
    const figure = (value: number) => formatNumber(value * scale, 1);
    const { least, most, now } = extent;
    return text.chart(text.series[this.#series], values.length, figure(least), figure(most), figure(now));
  }

  readonly #toggled = ({ currentTarget }: Event): void => {
    this.#open = currentTarget instanceof HTMLDetailsElement && currentTarget.open;
    this.#failed = false;
    this.#host.requestUpdate();
  };

  readonly #chosen = ({ currentTarget }: Event): void => {
    if (!(currentTarget instanceof HTMLSelectElement)) return;
    this.#series = seriesNames.find((name) => name === currentTarget.value) ?? 'speed';
    this.#host.requestUpdate();
  };

  async #draw(): Promise<void> {
    const place = this.#host.shadowRoot?.querySelector<HTMLElement>('[part=chart]') ?? null;
    if (place === null || this.#failed) return;
    const { samples } = this.#history;
    const scheme = getComputedStyle(place).color;
    const key = [this.#series, scheme, samples.length < 100].join(' ');
    if (this.#chart?.key === key) return this.#chart.chart.update(samples);
    if (this.#loading) return;
    this.#loading = true;
    try {
      const { HistoryChart } = await import('./history-chart.js');
      if (!this.#open || !place.isConnected) return;
      this.#drop();
      const chart = new HistoryChart(place, this.#history.samples, {
        series: this.#series,
        colours: coloursOf(place),
        figure: (value) => inLanguageOf(this.#host, () => formatNumber(value, 1)),
        time: (seconds) =>
          inLanguageOf(this.#host, () => formatDate(seconds * 1000, { hour: 'numeric', minute: '2-digit' })),
      });
      this.#chart = { chart, key };
    } catch (error) {
      void error; // said in words; the figures and the sentence below the chart's place are there all the same
      this.#failed = true;
      this.#host.requestUpdate();
    } finally {
      this.#loading = false;
    }
  }

  #redraw(): void {
    this.#drop();
    this.#host.requestUpdate();
  }

  #drop(): void {
    this.#chart?.chart.close();
    this.#chart = null;
  }
}

/** A canvas takes no custom properties: their values are read where they stand. */
function coloursOf(place: HTMLElement) {
  const { color: text, borderTopColor: grid, accentColor: line } = getComputedStyle(place);
  return { text, grid, line };
}

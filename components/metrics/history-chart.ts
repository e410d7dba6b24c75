// The long history as a chart one can look into, by uPlot, which draws on a canvas and needs neither markup from strings
// nor styles of its own in the document: it runs under a strict policy and in a shadow tree. Loaded when the history is
// opened first (import() in history-view.ts); the element hands in samples and gets a canvas kept up to date.

import UPlot from 'uplot';
import type { Sample, SeriesName } from './history.js';

export interface ChartColours {
  readonly line: string;
  readonly text: string;
  readonly grid: string;
}

export interface ChartOptions {
  readonly series: SeriesName;
  readonly colours: ChartColours;
  /** A figure of the axis, as people of this language read it. */
  readonly figure: (value: number) => string;
  /** A time of the axis. */
  readonly time: (seconds: number) => string;
}

const height = 200;

export class HistoryChart {
  readonly #plot: UPlot;
  readonly #series: SeriesName;
  readonly #sizes: ResizeObserver;

  /** Draws into `place` until `close`. */
  constructor(place: HTMLElement, samples: readonly Sample[], { series, colours, figure, time }: ChartOptions) {
    this.#series = series;
    const axis = { stroke: colours.text, grid: { stroke: colours.grid, width: 1 }, ticks: { stroke: colours.grid } };
    this.#plot = new UPlot(
      {
        width: Math.max(1, place.clientWidth),
        height,
        legend: { show: false },
        cursor: { drag: { x: true, y: false } },
        series: [{}, { stroke: colours.line, width: 2, points: { show: samples.length < 100 } }],
        axes: [
          { ...axis, values: (_plot, splits) => splits.map(time) },
          { ...axis, size: 56, values: (_plot, splits) => splits.map(figure) },
        ],
      },
      dataOf(samples, series),
      place,
    );
    this.#sizes = new ResizeObserver(() => {
      const { clientWidth: width } = place;
      if (width > 0 && width !== this.#plot.width) this.#plot.setSize({ width, height });
    });
    this.#sizes.observe(place);
  }

  update(samples: readonly Sample[]): void {
    this.#plot.setData(dataOf(samples, this.#series));
  }

  close(): void {
    this.#sizes.disconnect();
    this.#plot.destroy();
  }
}

/** Seconds and values; bytes as megabytes, which the axis names. */
function dataOf(samples: readonly Sample[], series: SeriesName): UPlot.AlignedData {
  const scale = series === 'memory' ? 1e-6 : 1;
  return [
    samples.map(({ time }) => time / 1000),
    samples.map((sample) => {
      const value = sample[series];
      return value === null ? null : value * scale;
    }),
  ];
}

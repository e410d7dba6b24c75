// A small line of the newest values, drawn as SVG, with its meaning in words for those who do not see it. Pure; a template
// function of `<llm-metrics>`. Of fewer than two values there is no line.

import { html, nothing, svg, type TemplateResult } from 'lit';
import { extentOf, type Extent } from './history.js';

/** Values drawn. */
const newest = 60;
const [width, height, margin] = [100, 24, 2];

/** The line's points, within the margin; a level line in the middle where all values are the same. */
export function pointsOf(values: readonly number[]): string {
  const extent = extentOf(values);
  if (extent === null || values.length < 2) return '';
  const span = extent.most - extent.least;
  const step = width / (values.length - 1);
  return values
    .map((value, index) => {
      const share = span === 0 ? 0.5 : (value - extent.least) / span;
      const y = height - margin - share * (height - 2 * margin);
      return `${(index * step).toFixed(1)},${y.toFixed(1)}`;
    })
    .join(' ');
}

/** @param say the line in words */
export function sparkline(all: readonly number[], say: (extent: Extent) => string): TemplateResult | typeof nothing {
  const values = all.slice(-newest);
  const extent = extentOf(values);
  if (extent === null || values.length < 2) return nothing;
  return html`<svg
    class="spark"
    part="sparkline"
    role="img"
    aria-label=${say(extent)}
    viewBox="0 0 ${width} ${height}"
    preserveAspectRatio="none"
  >
    ${svg`<polyline points=${pointsOf(values)} />`}
  </svg>`;
}

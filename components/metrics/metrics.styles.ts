// The figures: two large ones with their lines, then quiet lists of names and values; the chart and the table below, closed.

import { css } from 'lit';

export const metricsStyles = css`
  :host {
    display: block;
    min-inline-size: 0;
    container-type: inline-size;
  }

  .frame {
    border: 1px solid var(--_line);
    border-radius: var(--_radius);
    background: var(--_surface);
    padding: 1rem;
    font-variant-numeric: tabular-nums;
  }

  dl {
    margin: 0;
  }

  dt {
    color: var(--_quiet);
    font-size: 0.875em;
  }

  dd {
    margin: 0;
    min-inline-size: 0;
    overflow-wrap: anywhere;
  }

  .main {
    display: grid;
    grid-template-columns: repeat(auto-fit, minmax(min(8rem, 100%), 1fr));
    gap: 0.6rem;
  }

  .main div {
    display: flex;
    flex-direction: column;
    justify-content: space-between;
    gap: 0.15rem;
    padding: 0.7rem 0.9rem;
    border-radius: calc(var(--_radius) * 0.75);
    background: var(--_raised);
  }

  .main dd {
    font-size: 1.375em;
    font-weight: 600;
    line-height: 1.3;
  }

  .main .none {
    font-weight: 400;
  }

  .none {
    color: var(--_quiet);
  }

  .details {
    margin-block-start: 0.6rem;
  }

  .details div {
    display: grid;
    grid-template-columns: minmax(min-content, 1fr) minmax(45%, auto);
    gap: 0.75rem;
    align-items: baseline;
    padding-block: 0.4rem;
  }

  .details div + div {
    border-block-start: 1px solid var(--_line);
  }

  .details dd {
    font-size: 0.9375em;
    text-align: end;
  }

  /* With a bar in it, it is as wide as its column. */
  .details bdi:has(.bar) {
    display: block;
  }

  .details .bar {
    margin-block-start: 0.35rem;
  }

  .notes {
    margin-block-start: 0.75rem;
    font-size: 0.875em;
    color: var(--_quiet);
  }

  .notes p {
    margin: 0;
  }

  .notes ul {
    margin: 0.25rem 0 0;
    padding-inline-start: 1.2em;
  }

  .notice {
    margin-block-start: 0.75rem;
  }

  .quiet {
    margin: 0.6rem 0 0;
    font-size: 0.875em;
    color: var(--_quiet);
  }

  .main .usual {
    font-size: 0.8125em;
    font-weight: 400;
    color: var(--_quiet);
  }

  .spark {
    inline-size: 100%;
    block-size: 1.75rem;
    margin-block-start: 0.3rem;
    overflow: visible;
  }

  :host(:dir(rtl)) .spark {
    transform: scaleX(-1);
  }

  .spark polyline {
    fill: none;
    stroke: var(--_accent);
    stroke-width: 1.75;
    stroke-linejoin: round;
    vector-effect: non-scaling-stroke;
  }

  .more {
    margin-block-start: 0.75rem;
    padding-block-start: 0.6rem;
    border-block-start: 1px solid var(--_line);
  }

  .more summary {
    cursor: pointer;
    font-weight: 600;
  }

  .line {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 0.5rem 0.75rem;
    margin-block-start: 0.75rem;
  }

  .line .quiet {
    margin: 0;
  }

  .choose {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 0.3rem 0.75rem;
    margin-block: 0.6rem;
    font-size: 0.875em;
  }

  .field {
    font: inherit;
    color: inherit;
    max-inline-size: 100%;
    min-block-size: 2.25rem;
    padding: 0.3rem 0.5rem;
    border: 1px solid var(--_strong-line);
    border-radius: calc(var(--_radius) * 0.75);
    background: var(--_surface);
  }

  /* What the canvas is drawn with stands in properties of its place. Time runs to the right in every language. */
  .chart {
    direction: ltr;
    position: relative;
    min-block-size: 200px;
    color: var(--_quiet);
    border-block-start: 0 solid var(--_line);
    accent-color: var(--_accent);
    overflow: hidden;
  }

  .scroll {
    overflow: auto;
    max-block-size: 24rem;
    margin-block-start: 0.6rem;
  }

  table {
    inline-size: 100%;
    border-collapse: collapse;
    font-size: 0.8125em;
  }

  caption {
    text-align: start;
    color: var(--_quiet);
    padding-block-end: 0.3rem;
  }

  th,
  td {
    padding: 0.3rem 0.5rem;
    border-block-start: 1px solid var(--_line);
    text-align: end;
    white-space: nowrap;
  }

  th:first-child {
    min-inline-size: 9rem;
    text-align: start;
    white-space: normal;
    overflow-wrap: anywhere;
    font-weight: 400;
    font-family: var(--_mono);
  }

  thead th,
  thead th:first-child {
    border: 0;
    color: var(--_quiet);
    font-family: inherit;
  }

  /* Of uPlot's own styles, what a chart without legend needs (its stylesheet is a document's, not a shadow tree's). */
  .u-wrap {
    position: relative;
    user-select: none;
  }

  .u-over,
  .u-under,
  .u-axis,
  .u-select,
  .u-cursor-x,
  .u-cursor-y,
  .u-cursor-pt {
    position: absolute;
  }

  .u-under {
    overflow: hidden;
  }

  .uplot canvas {
    display: block;
    position: relative;
    inline-size: 100%;
    block-size: 100%;
  }

  .u-select {
    background: color-mix(in oklab, var(--_accent) 15%, transparent);
    pointer-events: none;
  }

  .u-cursor-x,
  .u-cursor-y,
  .u-cursor-pt {
    inset-block-start: 0;
    left: 0;
    pointer-events: none;
  }

  .u-hz .u-cursor-x {
    block-size: 100%;
    border-right: 1px dashed var(--_quiet);
  }

  .u-hz .u-cursor-y {
    inline-size: 100%;
    border-bottom: 1px dashed var(--_quiet);
  }

  .u-cursor-pt {
    border: 0 solid;
    border-radius: 50%;
    background-clip: padding-box !important;
  }

  .u-off {
    display: none;
  }
`;

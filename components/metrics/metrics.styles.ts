// The figures: two large ones, then a quiet list of names and values.

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
    grid-template-columns: auto minmax(0, 1fr);
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
`;

// The picker's cards: one column, the chosen one outlined, the one in use marked by words and a tick.

import { css } from 'lit';

export const modelPickerStyles = css`
  :host {
    display: block;
    min-inline-size: 0;
  }

  fieldset {
    display: grid;
    gap: 0.6rem;
    min-inline-size: 0;
    margin: 0;
    padding: 0;
    border: 0;
  }

  legend {
    padding: 0;
    margin-block-end: 0.6rem;
    font-weight: 600;
  }

  .quiet {
    margin: 0;
    color: var(--_quiet);
  }

  .card {
    border: 1px solid var(--_line);
    border-radius: var(--_radius);
    background: var(--_surface);
    transition: border-color 120ms;
  }

  .card:hover {
    border-color: var(--_strong-line);
  }

  .card[data-selected] {
    border-color: var(--_accent);
    box-shadow: 0 0 0 1px var(--_accent);
  }

  .card:focus-within:has(input:focus-visible) {
    outline: 2px solid var(--_accent);
    outline-offset: 2px;
  }

  label {
    display: grid;
    grid-template-columns: auto minmax(0, 1fr) auto;
    gap: 0.15rem 0.7rem;
    align-items: center;
    padding: 0.8rem 1rem;
    cursor: pointer;
  }

  input {
    inline-size: 1.1rem;
    block-size: 1.1rem;
    margin: 0;
    accent-color: var(--_accent);
  }

  input:focus-visible {
    outline: none;
  }

  .name {
    font-weight: 600;
    overflow-wrap: anywhere;
  }

  .badge {
    display: inline-flex;
    align-items: center;
    gap: 0.3em;
    padding: 0.1rem 0.6rem 0.1rem 0.4rem;
    border-radius: 999px;
    font-size: 0.8125em;
    font-weight: 600;
    color: var(--_accent);
    background: color-mix(in oklab, var(--_accent) 12%, var(--_surface));
    white-space: nowrap;
  }

  .about {
    grid-column: 2 / -1;
    display: grid;
    gap: 0.3rem;
    font-size: 0.9375em;
    overflow-wrap: anywhere;
  }

  .facts {
    display: flex;
    flex-wrap: wrap;
    gap: 0.1rem 0.5rem;
    font-size: 0.875em;
    color: var(--_quiet);
  }

  .facts span:not(:last-child)::after {
    content: '·' / '';
    margin-inline-start: 0.5rem;
  }

  .progress,
  .load {
    margin: 0 1rem 0.9rem;
    margin-inline-start: 2.8rem;
  }

  .progress {
    display: grid;
    gap: 0.4rem;
    font-size: 0.8125em;
    color: var(--_quiet);
    font-variant-numeric: tabular-nums;
  }

  .progress span {
    text-align: start;
  }

  .notice {
    margin-block-start: 0.75rem;
  }

  @media (forced-colors: active) {
    .card[data-selected] {
      outline: 2px solid Highlight;
    }
  }
`;

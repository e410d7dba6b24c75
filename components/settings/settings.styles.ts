// The settings: one column of fields; where there is room, label and control side by side.

import { css } from 'lit';

export const settingsStyles = css`
  :host {
    display: block;
    min-inline-size: 0;
    container-type: inline-size;
  }

  fieldset {
    display: grid;
    gap: 1.1rem;
    min-inline-size: 0;
    margin: 0;
    padding: 1rem;
    border: 1px solid var(--_line);
    border-radius: var(--_radius);
    background: var(--_surface);
  }

  legend {
    float: inline-start;
    inline-size: 100%;
    padding: 0;
    font-weight: 600;
  }

  .row {
    display: grid;
    gap: 0.3rem;
    min-inline-size: 0;
  }

  .row > label,
  .line > label {
    font-size: 0.9375em;
    font-weight: 500;
  }

  .line {
    display: flex;
    flex-wrap: wrap;
    justify-content: space-between;
    gap: 0 1rem;
  }

  output {
    font-size: 0.9375em;
    font-variant-numeric: tabular-nums;
  }

  input[type='range'] {
    inline-size: 100%;
    min-block-size: 1.5rem;
    margin: 0;
  }

  .small {
    justify-self: start;
    min-block-size: 1.75rem;
    padding-block: 0.1rem;
    font-size: 0.875em;
  }

  .wrong {
    margin: 0;
    color: var(--_danger);
    font-size: 0.875em;
  }

  .note {
    display: grid;
    gap: 0.5rem;
    justify-items: start;
    padding: 0.7rem 0.9rem;
    border-radius: calc(var(--_radius) * 0.75);
    background: var(--_raised);
  }

  .note p {
    margin: 0;
    font-size: 0.9375em;
  }

  button[aria-disabled='true'] {
    cursor: default;
    color: var(--_quiet);
  }

  button[aria-disabled='true']:hover {
    border-color: var(--_line);
    background: var(--_surface);
  }

  @media (forced-colors: active) {
    button[aria-disabled='true'] {
      border-color: GrayText;
      color: GrayText;
    }
  }

  @container (inline-size >= 34rem) {
    .row:not(.switch) {
      grid-template-columns: 11rem minmax(0, 1fr);
      column-gap: 1.25rem;
      align-items: center;
    }

    .row:not(.switch) > :not(label, .line:first-child) {
      grid-column: 2;
    }

    .row > .line:first-child {
      display: contents;
    }

    .row > .line:first-child > output {
      text-align: end;
    }
  }
`;

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

  .all {
    display: grid;
    gap: 0.9rem;
    border-radius: var(--_radius);
  }

  .all[data-dropping] {
    outline: 2px dashed var(--_accent);
    outline-offset: 4px;
  }

  .card > label {
    display: grid;
    grid-template-columns: auto minmax(0, 1fr) auto;
    gap: 0.15rem 0.7rem;
    align-items: center;
    padding: 0.8rem 1rem;
    cursor: pointer;
  }

  input[type='radio'] {
    inline-size: 1.1rem;
    block-size: 1.1rem;
    margin: 0;
    accent-color: var(--_accent);
  }

  input[type='radio']:focus-visible {
    outline: none;
  }

  .field {
    font: inherit;
    color: inherit;
    min-inline-size: 0;
    inline-size: 100%;
    min-block-size: 2.25rem;
    padding: 0.3rem 0.85rem;
    border: 1px solid var(--_strong-line);
    border-radius: calc(var(--_radius) * 0.75);
    background: var(--_surface);
  }

  .field::placeholder {
    color: var(--_quiet);
    opacity: 1;
  }

  .field[aria-invalid='true'] {
    border-color: var(--_danger);
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

  /* A dot stands before each fact; that of the first one in a line falls outside the text and is cut off. */
  .facts {
    --_dot: 1.1em;
    display: flex;
    flex-wrap: wrap;
    row-gap: 0.1rem;
    margin-inline-start: calc(var(--_dot) * -1);
    font-size: 0.875em;
    color: var(--_quiet);
  }

  .facts > span {
    padding-inline-start: var(--_dot);
  }

  .facts > span::before {
    content: '·' / '';
    display: inline-block;
    inline-size: var(--_dot);
    margin-inline-start: calc(var(--_dot) * -1);
    text-align: center;
  }

  .about,
  .progress {
    overflow-x: clip;
  }

  .verdict {
    justify-self: start;
    font-size: 0.875em;
    font-weight: 500;
  }

  .verdict[data-tier='well'] {
    color: light-dark(#17693f, #5fd397);
  }

  .verdict[data-tier='slow'] {
    color: light-dark(#8a4b00, #ffc27a);
  }

  .verdict[data-tier='too-large'],
  .verdict[data-tier='no-device'] {
    color: var(--_danger);
  }

  .kept,
  .warning {
    display: flex;
    align-items: start;
    gap: 0.4em;
    font-size: 0.875em;
  }

  .warning .icon {
    color: var(--_danger);
  }

  .progress,
  .card .actions {
    margin: 0 1rem 0.9rem;
    margin-inline-start: 2.8rem;
  }

  .actions {
    display: flex;
    flex-wrap: wrap;
    gap: 0.5rem;
  }

  .danger {
    border-color: var(--_danger);
    color: var(--_danger);
  }

  .own {
    border: 1px dashed var(--_strong-line);
    border-radius: var(--_radius);
    padding: 0.7rem 1rem;
  }

  .own summary {
    cursor: pointer;
    font-weight: 600;
  }

  .own > :not(summary) {
    margin-block-start: 0.6rem;
  }

  .own form {
    display: flex;
    flex-wrap: wrap;
    gap: 0.5rem;
  }

  .own .field {
    flex: 1 1 12rem;
  }

  .storage {
    font-size: 0.875em;
  }

  dialog {
    max-inline-size: min(26rem, calc(100vw - 2rem));
    padding: 1.1rem 1.25rem;
    border: 1px solid var(--_line);
    border-radius: var(--_radius);
    background: var(--_surface);
    color: var(--_text);
    overflow-wrap: anywhere;
  }

  dialog::backdrop {
    background: rgb(0 0 0 / 45%);
  }

  dialog h2 {
    margin: 0 0 0.4rem;
    font-size: 1.1em;
  }

  dialog p {
    margin: 0 0 1rem;
  }

  dialog .actions {
    justify-content: end;
  }

  .progress {
    display: grid;
    gap: 0.4rem;
    font-size: 0.8125em;
    color: var(--_quiet);
    font-variant-numeric: tabular-nums;
  }

  @media (forced-colors: active) {
    .card[data-selected] {
      outline: 2px solid Highlight;
    }
  }
`;

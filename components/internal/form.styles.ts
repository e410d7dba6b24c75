// What the controls of settings and privacy look alike by: fields, switches, rows of a list, modal dialogs. Listed after
// base.styles.ts by the elements that have such controls; the browser's own controls, coloured.

import { css } from 'lit';

export const formStyles = css`
  .quiet {
    margin: 0;
    color: var(--_quiet);
    font-size: 0.875em;
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

  select.field {
    padding-inline-end: 0.5rem;
  }

  .field[aria-invalid='true'] {
    border-color: var(--_danger);
  }

  input[type='range'],
  input[type='radio'],
  input[type='checkbox'] {
    accent-color: var(--_accent);
  }

  .switch {
    display: grid;
    grid-template-columns: minmax(0, 1fr) auto;
    gap: 0.1rem 1rem;
    align-items: center;
    cursor: pointer;
    overflow-wrap: anywhere;
  }

  .switch .quiet {
    grid-column: 1;
  }

  .switch input {
    grid-column: 2;
    grid-row: 1 / span 2;
    appearance: none;
    flex: none;
    position: relative;
    inline-size: 2.75rem;
    block-size: 1.5rem;
    margin: 0;
    border: 1px solid var(--_strong-line);
    border-radius: 999px;
    background: var(--_raised);
    cursor: pointer;
    transition: background 120ms;
  }

  .switch input::before {
    content: '';
    position: absolute;
    inset-block-start: 50%;
    inset-inline-start: 0.2rem;
    inline-size: 1rem;
    block-size: 1rem;
    border-radius: 50%;
    background: var(--_strong-line);
    translate: 0 -50%;
    transition: inset-inline-start 120ms;
  }

  .switch input:checked {
    border-color: transparent;
    background: var(--_accent);
  }

  .switch input:checked::before {
    inset-inline-start: calc(100% - 1.2rem);
    background: var(--_on-accent);
  }

  .switch input:disabled {
    cursor: default;
    opacity: 0.6;
  }

  .actions {
    display: flex;
    flex-wrap: wrap;
    gap: 0.5rem;
  }

  button.danger {
    border-color: var(--_danger);
    color: var(--_danger);
  }

  dialog {
    max-inline-size: min(30rem, calc(100vw - 1.5rem));
    max-block-size: calc(100vh - 1.5rem);
    overflow: auto;
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
    margin: 0 0 0.5rem;
    font-size: 1.1em;
    line-height: 1.3;
  }

  dialog p {
    margin: 0 0 0.75rem;
  }

  dialog ul {
    margin: 0 0 0.75rem;
    padding-inline-start: 1.2em;
  }

  dialog .actions {
    justify-content: end;
    margin-block-start: 1rem;
  }

  @media (forced-colors: active) {
    .switch input {
      border-color: CanvasText;
    }

    .switch input::before {
      background: CanvasText;
    }

    .switch input:checked {
      background: Highlight;
      forced-color-adjust: none;
    }
  }
`;

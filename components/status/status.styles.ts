// The chip: a pill with a mark and a word or two; the details hang below it in the top layer.

import { css } from 'lit';

export const statusStyles = css`
  :host {
    display: inline-block;
    max-inline-size: 100%;
  }

  [part='base'] {
    max-inline-size: 100%;
    min-block-size: 2rem;
    padding: 0.2rem 0.75rem;
    font-size: 0.875em;
  }

  [part='text'] {
    min-inline-size: 0;
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }

  .dot {
    flex: none;
    inline-size: 0.6rem;
    block-size: 0.6rem;
    border-radius: 50%;
    background: var(--_quiet);
  }

  .dot[data-kind='ready'] {
    background: light-dark(#1a7f4b, #5fd397);
  }

  .dot[data-kind='loading'],
  .dot[data-kind='answering'],
  .dot[data-kind='connecting'],
  .dot[data-kind='recovering'] {
    background: var(--_accent);
    animation: breathe 1.4s ease-in-out infinite;
  }

  .dot[data-kind='cloud'] {
    background: var(--_cloud);
  }

  .dot[data-kind='failed'] {
    background: var(--_danger);
    border-radius: 2px;
  }

  .dot[data-kind='idle'],
  .dot[data-kind='offline'] {
    background: transparent;
    border: 2px solid var(--_quiet);
  }

  [data-kind='cloud'][part='base'] {
    border-color: var(--_cloud);
    background: var(--_cloud-ground);
  }

  .ring {
    inline-size: 2.25rem;
    flex: none;
  }

  @keyframes breathe {
    50% {
      opacity: 0.35;
    }
  }

  [part='details'] {
    position: fixed;
    inset: auto;
    margin: 0;
    inline-size: min(22rem, calc(100vw - 1rem));
    max-block-size: min(28rem, calc(100vh - 1rem));
    overflow: auto;
    padding: 0.9rem 1rem;
    border: 1px solid var(--_line);
    border-radius: var(--_radius);
    background: var(--_surface);
    color: var(--_text);
    box-shadow: 0 8px 28px rgb(0 0 0 / 18%);
  }

  dl {
    margin: 0;
  }

  dl div {
    display: grid;
    grid-template-columns: minmax(6rem, auto) minmax(0, 1fr);
    gap: 0.75rem;
    padding-block: 0.3rem;
  }

  dl div + div {
    border-block-start: 1px solid var(--_line);
  }

  dt {
    color: var(--_quiet);
    font-size: 0.875em;
  }

  dd {
    margin: 0;
    font-size: 0.9375em;
    text-align: end;
    overflow-wrap: anywhere;
  }

  .quiet {
    margin: 0.6rem 0 0;
    color: var(--_quiet);
    font-size: 0.875em;
  }

  .notice {
    margin-block-start: 0.75rem;
  }

  @media (forced-colors: active) {
    .dot {
      border: 2px solid CanvasText;
    }
  }
`;

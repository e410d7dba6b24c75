// The indicator as a card of its own, so that it is seen first; below it a switch, a quiet list and one button.

import { css } from 'lit';

export const privacyStyles = css`
  :host {
    display: block;
    min-inline-size: 0;
  }

  [part='base'] {
    display: grid;
    gap: 1rem;
    padding: 1rem;
    border: 1px solid var(--_line);
    border-radius: var(--_radius);
    background: var(--_surface);
  }

  .indicator {
    display: grid;
    grid-template-columns: auto minmax(0, 1fr);
    gap: 0.1rem 0.75rem;
    padding: 0.8rem 1rem;
    border: 1px solid transparent;
    border-radius: calc(var(--_radius) * 0.75);
    background: var(--_raised);
    overflow-wrap: anywhere;
  }

  .indicator > .icon {
    grid-row: 1 / span 2;
    margin-block-start: 0.15em;
    color: light-dark(#1a7f4b, #5fd397);
  }

  .indicator > p {
    grid-column: 2;
  }

  .indicator[data-kind='allowed'] > .icon,
  .indicator[data-kind='leaving'] > .icon {
    color: var(--_cloud);
  }

  .indicator[data-kind='leaving'] {
    border-color: var(--_cloud);
    background: var(--_cloud-ground);
  }

  .indicator[data-kind='leaving'] .title {
    color: var(--_cloud);
  }

  .title {
    margin: 0;
    font-weight: 600;
  }

  .kept {
    display: grid;
    gap: 0.6rem;
  }

  dl {
    margin: 0;
  }

  dl div {
    display: flex;
    flex-wrap: wrap;
    justify-content: space-between;
    gap: 0 0.75rem;
    align-items: baseline;
    padding-block: 0.35rem;
    overflow-wrap: anywhere;
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
    margin-inline-start: auto;
    font-size: 0.9375em;
    text-align: end;
    font-variant-numeric: tabular-nums;
  }

  .done {
    margin: 0;
  }

  .notice ul {
    grid-column: 1 / -1;
    margin: 0.3rem 0 0;
    padding-inline-start: 1.2em;
  }

  .notice li .quiet {
    display: block;
  }

  .notice p {
    grid-column: 1 / -1;
  }

  button.cloud {
    border-color: var(--_cloud);
    background: var(--_cloud-ground);
  }

  button[aria-disabled='true'] {
    cursor: default;
    opacity: 0.7;
  }
`;

// How it looks what can be done with messages: the rows of buttons, who wrote an answer, the switch between versions, the
// field of a message that is changed, files, cards of tool calls, the way back after a deletion, the meter. Fetched with
// turns.ts; the room that the rows take is kept free before (message.styles.ts).

import { css } from 'lit';

export const turnsStyles = css`
  .meta > span:not(.actions, :last-child)::after {
    content: '·' / '';
    margin-inline-start: 0.5rem;
  }

  .meta > .where::after {
    margin-inline-start: 0.15rem;
  }

  .meta > .cloud.cloud::after {
    content: none;
  }

  .where {
    display: inline-flex;
    align-items: center;
    gap: 0.35em;
  }

  .where.cloud {
    padding: 0.05rem 0.6rem;
    border-radius: 999px;
    font-weight: 600;
    color: var(--_cloud);
    background: var(--_cloud-ground);
  }

  .actions {
    display: inline-flex;
    margin-inline-start: -0.4rem;
  }

  button.small {
    min-block-size: 2rem;
    min-inline-size: 2rem;
    padding: 0.25rem;
    color: var(--_quiet);
  }

  .tool {
    margin-block-start: 0.6rem;
    border: 1px solid var(--_line);
    border-radius: calc(var(--_radius) * 0.75);
    background: var(--_raised);
  }

  .tool summary {
    display: flex;
    align-items: center;
    gap: 0.5rem;
    padding: 0.5rem 0.8rem;
    cursor: pointer;
    font-size: 0.9375em;
    overflow-wrap: anywhere;
    border-radius: inherit;
  }

  .tool summary::after {
    content: '';
    margin-inline-start: auto;
    flex: none;
    inline-size: 0.45em;
    block-size: 0.45em;
    border: solid currentcolor;
    border-width: 0 1.5px 1.5px 0;
    transform: translateY(-25%) rotate(45deg);
  }

  .tool[open] summary::after {
    transform: translateY(25%) rotate(225deg);
  }

  .tool dl {
    margin: 0;
    padding: 0.1rem 0.8rem 0.7rem;
    font-size: 0.875em;
  }

  .tool dl div {
    display: grid;
    grid-template-columns: minmax(4rem, auto) minmax(0, 1fr);
    gap: 0.75rem;
  }

  .tool dt {
    color: var(--_quiet);
  }

  .tool dd {
    margin: 0;
    overflow-wrap: anywhere;
  }

  .tool code {
    font-family: var(--_mono);
  }

  .versions {
    display: inline-flex;
    align-items: center;
    font-variant-numeric: tabular-nums;
    white-space: nowrap;
  }

  .small[aria-disabled='true'] {
    opacity: 0.45;
    cursor: default;
  }

  .small:not([aria-label]) {
    padding-inline: 0.35rem 0.7rem;
  }

  /* A pointer finds them at the message; a finger or a keyboard has no such way, and sees them always. */
  @media (hover: hover) {
    .under > button,
    .under > .versions > button {
      opacity: 0;
    }

    .turn:hover .under button,
    .turn:focus-within .under button {
      opacity: 1;
    }

    .turn:hover .under [aria-disabled='true'],
    .turn:focus-within .under [aria-disabled='true'] {
      opacity: 0.45;
    }
  }

  .directional:dir(rtl) {
    transform: scaleX(-1);
  }

  .files {
    display: flex;
    flex-wrap: wrap;
    gap: 0.35rem;
    margin: 0 0 0.35rem;
    padding: 0;
    list-style: none;
  }

  .files li {
    display: inline-flex;
    align-items: center;
    gap: 0.35em;
    max-inline-size: 100%;
    padding: 0.1rem 0.6rem 0.1rem 0.4rem;
    border: 1px solid var(--_line);
    border-radius: 999px;
    background: var(--_surface);
    font-size: 0.8125em;
  }

  .files bdi {
    min-inline-size: 0;
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }

  .files span {
    flex: none;
    color: var(--_quiet);
  }

  .editor {
    align-self: stretch;
    display: flex;
    flex-direction: column;
    gap: 0.5rem;
    padding: 0.6rem 1rem;
    border: 1px solid var(--_strong-line);
    border-radius: 1.25rem;
    background: var(--_surface);
  }

  .editor:has(> textarea:focus) {
    border-color: var(--_accent);
    box-shadow: 0 0 0 1px var(--_accent);
  }

  .row {
    display: flex;
    flex-wrap: wrap;
    justify-content: flex-end;
    gap: 0.5rem;
  }

  .undo {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 0.25rem 0.75rem;
    margin: 0 0.75rem 0.75rem;
    padding: 0.3rem 0.35rem;
    padding-inline-start: 1rem;
    border-radius: calc(var(--_radius) * 0.75);
    background: var(--_raised);
    font-size: 0.9375em;
  }

  .undo span {
    flex: 1;
    min-inline-size: 8rem;
  }

  .meter {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 0.1rem 0.6rem;
    padding: 0 1.25rem 0.6rem;
    font-size: 0.75em;
    color: var(--_quiet);
    font-variant-numeric: tabular-nums;
  }

  .gauge {
    flex: none;
    inline-size: 4rem;
    block-size: 0.3rem;
    border-radius: 999px;
    overflow: hidden;
    background: var(--_line);
  }

  .gauge svg {
    display: block;
    inline-size: 100%;
    block-size: 100%;
    fill: var(--_accent);
  }

  .gauge:dir(rtl) svg {
    transform: scaleX(-1);
  }

  [data-level='near'] .gauge svg,
  [data-level='full'] .gauge svg {
    fill: var(--_danger);
  }

  .near {
    color: var(--_danger);
  }

  /* On paper the whole conversation, without what is only for the screen. */
  @media print {
    :host {
      block-size: auto !important;
    }

    .frame,
    .scroller {
      block-size: auto;
      overflow: visible;
    }

    header,
    .composer,
    .actions,
    .meter,
    .latest,
    .cloud-switch {
      display: none;
    }
  }

  @media (forced-colors: active) {
    .editor:has(> textarea:focus) {
      outline: 2px solid Highlight;
    }

    .gauge {
      border: 1px solid CanvasText;
    }

    .gauge svg {
      fill: CanvasText;
    }
  }
`;

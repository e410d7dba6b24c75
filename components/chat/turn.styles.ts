// What can be done with messages, and what is seen of it: the rows of buttons, the switch between versions, the field of
// a message that is changed, files, the way back after a deletion. Part of the styles of `<llm-chat>`.

import { css } from 'lit';

export const turnStyles = css`
  .turn {
    display: flex;
    flex-direction: column;
    align-items: flex-end;
    gap: 0.15rem;
  }

  .under {
    align-items: center;
    font-size: 0.8125em;
    color: var(--_quiet);
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

  button.plain.round {
    color: var(--_quiet);
  }

  .round[aria-pressed='true'] {
    color: var(--_danger);
    background: var(--_danger-ground);
  }

  .menu {
    flex: none;
  }

  .menu summary {
    display: flex;
    align-items: center;
    justify-content: center;
    min-block-size: 2.25rem;
    padding-inline: 0.6rem;
    border-radius: 999px;
    list-style: none;
    color: var(--_quiet);
    cursor: pointer;
  }

  .menu summary::-webkit-details-marker {
    display: none;
  }

  .menu summary:hover {
    color: var(--_text);
    background: var(--_raised);
  }

  .menu ul {
    /* Hangs on the header: on its button it would reach out of a narrow chat. */
    position: absolute;
    inset-block-start: calc(100% - 0.25rem);
    inset-inline-end: 0.5rem;
    z-index: 2;
    inline-size: max-content;
    max-inline-size: min(18rem, calc(100cqi - 1.5rem));
    margin: 0;
    padding: 0.3rem;
    border: 1px solid var(--_line);
    border-radius: calc(var(--_radius) * 0.75);
    list-style: none;
    background: var(--_surface);
    box-shadow: 0 6px 24px rgb(0 0 0 / 18%);
  }

  .menu li button {
    inline-size: 100%;
    justify-content: flex-start;
    border-radius: 8px;
    color: var(--_text);
    text-align: start;
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

  .drop {
    position: absolute;
    inset: 0;
    z-index: 3;
    display: grid;
    place-items: center;
    border: 2px dashed var(--_accent);
    border-radius: inherit;
    font-weight: 600;
    background: color-mix(in oklab, var(--_surface) 88%, transparent);
    pointer-events: none;
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

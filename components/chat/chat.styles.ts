// The chat's layout: header, the scrolling messages, the field. Narrow first; a container query widens it.

import { css } from 'lit';

export const chatStyles = css`
  :host {
    display: block;
    inline-size: 100%;
    block-size: min(40rem, 90dvh);
    min-block-size: 16rem;
    container-type: inline-size;
  }

  .frame {
    position: relative;
    display: flex;
    flex-direction: column;
    block-size: 100%;
    border: 1px solid var(--_line);
    border-radius: var(--_radius);
    background: var(--_surface);
    overflow: hidden;
  }

  header {
    position: relative;
    display: flex;
    align-items: center;
    gap: 0.5rem;
    min-block-size: 3.25rem;
    padding-block: 0.4rem;
    padding-inline: 1rem 0.5rem;
    border-block-end: 1px solid var(--_line);
  }

  header button {
    flex: none;
    color: var(--_quiet);
  }

  header button:hover {
    color: var(--_text);
  }

  .status {
    flex: 1;
    display: flex;
    align-items: center;
    gap: 0.45em;
    min-inline-size: 0;
    margin: 0;
    font-size: 0.875em;
    color: var(--_quiet);
    font-variant-numeric: tabular-nums;
  }

  .status bdi {
    overflow: hidden;
    white-space: nowrap;
    text-overflow: ellipsis;
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

  button.plain.round {
    color: var(--_quiet);
  }

  .wide {
    display: none;
  }

  .middle {
    position: relative;
    flex: 1;
    min-block-size: 0;
  }

  .scroller {
    block-size: 100%;
    overflow-y: auto;
    overscroll-behavior: contain;
    padding: 1rem;
    scrollbar-width: thin;
  }

  .scroller:focus-visible {
    outline-offset: -3px;
  }

  .messages {
    display: flex;
    flex-direction: column;
    gap: 1.25rem;
    max-inline-size: 46rem;
    margin-inline: auto;
  }

  .turn {
    display: flex;
    flex-direction: column;
    gap: 0.15rem;
  }

  /* As high as the buttons that come into it. */
  .under {
    align-self: flex-end;
    align-items: center;
    min-block-size: 2rem;
  }

  /* The bubble is the part that pages restyle: ::part(user-message). */
  .user {
    align-self: flex-end;
    max-inline-size: 85%;
    padding: 0.6rem 1rem;
    border-radius: 1.25rem;
    border-end-end-radius: 0.4rem;
    background: color-mix(in oklab, var(--_accent) 17%, var(--_surface));
  }

  .bubble {
    white-space: pre-wrap;
    overflow-wrap: anywhere;
  }

  .welcome {
    display: flex;
    flex-direction: column;
    justify-content: center;
    align-items: center;
    min-block-size: 100%;
    text-align: center;
  }

  .greeting {
    margin: 0;
    font-size: 1.5em;
    font-weight: 600;
    line-height: 1.3;
    letter-spacing: -0.01em;
    text-wrap: balance;
  }

  .detail {
    margin: 0.5rem 0 0;
    color: var(--_quiet);
    text-wrap: balance;
  }

  .suggestions {
    display: flex;
    flex-wrap: wrap;
    justify-content: center;
    gap: 0.5rem;
    margin: 1.5rem 0 0;
    padding: 0;
    list-style: none;
    max-inline-size: 40rem;
  }

  .suggestions button {
    min-block-size: 2.5rem;
    border-radius: 1.25rem;
    padding-block: 0.45rem;
    padding-inline: 1rem;
    line-height: 1.35;
  }

  .failure {
    padding: 0 0.75rem 0.75rem;
  }

  .composer {
    display: flex;
    flex-wrap: wrap;
    align-items: flex-end;
    gap: 0.4rem;
    margin: 0 0.75rem 0.75rem;
    padding: 0.35rem;
    border: 1px solid var(--_strong-line);
    border-radius: 1.5rem;
    background: var(--_surface);
  }

  /* The field's own focus: the buttons in it have rings of their own. */
  .composer:has(> textarea:focus) {
    border-color: var(--_accent);
    box-shadow: 0 0 0 1px var(--_accent);
  }

  textarea {
    /* As narrow as a word before a button goes to the next line. */
    flex: 1 1 4rem;
    min-inline-size: 0;
    field-sizing: content;
    min-block-size: 2.5rem;
    max-block-size: 10rem;
    padding-block: 0.5rem;
    padding-inline: 0.25rem 0;
    border: 0;
    resize: none;
    font: inherit;
    /* Below 16 px a phone zooms in when the field gets the focus. */
    font-size: max(1em, 16px);
    line-height: 1.5;
    color: inherit;
    background: transparent;
    overflow-wrap: anywhere;
  }

  /* The whole composer shows the focus. */
  textarea:focus-visible {
    outline: 0;
  }

  textarea::placeholder {
    color: var(--_quiet);
    opacity: 1;
  }

  .round {
    flex: none;
    inline-size: 2.5rem;
    block-size: 2.5rem;
    padding: 0;
  }

  .round[aria-disabled='true'] {
    background: var(--_raised);
    color: var(--_quiet);
    cursor: default;
  }

  /* The page's own buttons, which its own styles override: large enough to hit, and apart. */
  ::slotted(button[slot='suggestions']) {
    min-block-size: 2rem;
    margin: 0.2rem;
    padding-inline: 0.85rem;
  }

  ::slotted([slot='footer']) {
    padding: 0 1rem 0.75rem;
    font-size: 0.8125em;
    color: var(--_quiet);
  }

  @container (min-width: 30rem) {
    .wide {
      display: inline;
    }

    .scroller {
      padding: 1.5rem;
    }

    .composer {
      margin: 0 1rem 1rem;
    }

    .failure {
      padding: 0 1rem 1rem;
    }
  }

  @media (forced-colors: active) {
    /* No shadow is drawn here. */
    .composer:has(> textarea:focus) {
      outline: 2px solid Highlight;
    }

    .user {
      border: 1px solid CanvasText;
    }

    .round[aria-disabled='true'] {
      border-color: GrayText;
      color: GrayText;
    }
  }
`;

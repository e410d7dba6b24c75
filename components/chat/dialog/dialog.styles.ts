// How the chat's dialog looks; fetched with it.

import { css } from 'lit';

export const dialogStyles = css`
  dialog {
    inline-size: min(34rem, calc(100vw - 2rem));
    max-block-size: min(40rem, calc(100dvh - 2rem));
    padding: 0;
    border: 1px solid var(--_line);
    border-radius: var(--_radius);
    color: var(--_text);
    background: var(--_surface);
    overflow: hidden;
  }

  dialog[open] {
    display: flex;
  }

  dialog::backdrop {
    background: rgb(0 0 0 / 45%);
  }

  .sheet {
    flex: 1;
    display: flex;
    flex-direction: column;
    min-inline-size: 0;
    min-block-size: 0;
    padding: 0 1rem 1rem;
    overflow-y: auto;
  }

  .sheet > header {
    position: sticky;
    inset-block-start: 0;
    z-index: 1;
    display: flex;
    justify-content: space-between;
    padding: 0.4rem 0;
    border: 0;
    background: var(--_surface);
  }

  .sheet h2 {
    margin: 0;
    font-size: 1.125em;
    line-height: 1.3;
  }

  .sheet p {
    margin: 0 0 0.75rem;
  }

  .quiet {
    color: var(--_quiet);
    font-size: 0.9375em;
  }
`;

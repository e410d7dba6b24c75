// How the list of kept conversations looks; fetched with it.

import { css } from 'lit';

export const historyStyles = css`
  .search {
    inline-size: 100%;
    margin-block-start: 4px; /* its ring, below the header that stays */
    min-block-size: 2.5rem;
    padding: 0.4rem 0.9rem;
    border: 1px solid var(--_strong-line);
    border-radius: 999px;
    font: inherit;
    font-size: max(1em, 16px);
    color: inherit;
    background: var(--_surface);
  }

  .kept {
    margin: 0.75rem 0;
    padding: 0;
    list-style: none;
  }

  .kept li {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 0 0.25rem;
    border-block-end: 1px solid var(--_line);
  }

  .kept .open {
    flex: 1 1 6rem;
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    justify-content: start;
    justify-items: start;
    gap: 0.05rem;
    min-inline-size: 0;
    min-block-size: 3rem;
    padding: 0.5rem 0.4rem;
    border-radius: 8px;
    text-align: start;
    overflow-wrap: anywhere;
  }

  .kept [aria-current='true'] .title {
    color: var(--_accent);
  }

  .kept .title {
    font-weight: 600;
  }

  .kept .facts,
  .kept .excerpt {
    font-size: 0.8125em;
    color: var(--_quiet);
  }

  .kept form,
  .kept .question {
    flex: 1 1 100%;
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 0.5rem;
    padding: 0.5rem 0.4rem;
  }

  .kept form input {
    flex: 1 1 10rem;
  }

  .kept .question p {
    flex: 1 1 100%;
    margin: 0;
    overflow-wrap: anywhere;
  }

  .danger {
    border-color: transparent;
    color: var(--_surface);
    background: var(--_danger);
  }

  .danger:hover:not(:disabled) {
    background: color-mix(in oklab, var(--_danger) 88%, var(--_text));
  }
`;

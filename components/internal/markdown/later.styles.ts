// How markdown looks that few answers hold: tables, tasks, quotes, rules, images, formulas, what the cloud wrote. Fetched
// with the first message (chat/turns/turns.ts), before an answer is there.

import { css } from 'lit';

export const laterMarkdownStyles = css`
  .block[data-cloud] {
    padding-inline-start: 0.75rem;
    border-inline-start: 3px solid var(--_cloud);
  }

  .from-cloud {
    display: flex;
    align-items: center;
    gap: 0.4em;
    font-size: 0.8125em;
    color: var(--_cloud);
  }

  .answer li.task {
    list-style: none;
  }

  .tick {
    display: inline-grid;
    place-content: center;
    inline-size: 1em;
    block-size: 1em;
    margin-inline: -1.5em 0.5em;
    vertical-align: -0.12em;
    border: 1.5px solid var(--_strong-line);
    border-radius: 0.25em;
  }

  .tick[data-checked] {
    border-color: var(--_accent);
    color: var(--_on-accent);
    background: var(--_accent);
  }

  .tick .icon {
    inline-size: 0.85em;
    block-size: 0.85em;
    stroke-width: 3;
  }

  .answer blockquote {
    padding-inline-start: 0.9em;
    border-inline-start: 3px solid var(--_line);
    color: var(--_quiet);
  }

  .answer hr {
    border: 0;
    border-block-start: 1px solid var(--_line);
    margin-block: 0.25em;
  }

  .image {
    display: inline-flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 0.4em;
    padding: 0.1em 0.6em;
    border: 1px dashed var(--_strong-line);
    border-radius: 0.6em;
    color: var(--_quiet);
  }

  .answer img {
    max-inline-size: 100%;
    block-size: auto;
    border-radius: calc(var(--_radius) * 0.5);
  }

  .formula {
    unicode-bidi: isolate;
  }

  div.formula {
    padding: 0.5rem 0.9rem;
  }

  .scroll table {
    inline-size: 100%;
    border-collapse: collapse;
    font-size: 0.9375em;
  }

  .scroll :is(th, td) {
    padding: 0.45rem 0.8rem;
    text-align: start;
    vertical-align: top;
    overflow-wrap: normal;
  }

  .scroll :is(th, td)[data-align='center'] {
    text-align: center;
  }

  .scroll :is(th, td)[data-align='end'] {
    text-align: end;
  }

  .scroll th {
    font-weight: 600;
    background: var(--_raised);
  }

  .scroll tr + tr td,
  .scroll tbody tr:first-child td {
    border-block-start: 1px solid var(--_line);
  }
`;

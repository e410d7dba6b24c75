// How an answer's markdown looks: even rhythm, quiet furniture, nothing wider than its column.
// Part of the styles of `<llm-chat>`; the colours are base.styles.ts's.

import { css } from 'lit';

export const markdownStyles = css`
  .answer {
    overflow-wrap: anywhere;
  }

  .group + .group,
  .block + .block,
  .from-cloud + .block,
  .block + .from-cloud {
    margin-block-start: 0.75em;
  }

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

  .answer p,
  .answer h3,
  .answer h4,
  .answer h5,
  .answer h6,
  .answer blockquote,
  .answer ul,
  .answer ol,
  .answer figure,
  .answer pre {
    margin: 0;
  }

  .answer :is(p, h3, h4, h5, h6, ul, ol, blockquote, figure, .scroll) + :is(p, ul, ol, blockquote, figure, .scroll) {
    margin-block-start: 0.6em;
  }

  .answer h3 {
    font-size: 1.25em;
    line-height: 1.3;
  }

  .answer h4 {
    font-size: 1.125em;
    line-height: 1.35;
  }

  .answer h5,
  .answer h6 {
    font-size: 1em;
  }

  .answer ul,
  .answer ol {
    padding-inline-start: 1.6em;
  }

  .answer li + li {
    margin-block-start: 0.25em;
  }

  .answer li > :is(ul, ol) {
    margin-block-start: 0.25em;
  }

  .answer li::marker {
    color: var(--_quiet);
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

  .answer a {
    color: var(--_accent);
    text-underline-offset: 0.15em;
  }

  .host {
    color: var(--_quiet);
    font-size: 0.875em;
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

  .answer code {
    font-family: var(--_mono);
    font-size: 0.9em;
    direction: ltr;
    unicode-bidi: isolate;
  }

  .answer :not(pre) > code {
    padding: 0.12em 0.35em;
    border-radius: 0.35em;
    background: var(--_raised);
    border: 1px solid var(--_line);
  }

  .code {
    border: 1px solid var(--_line);
    border-radius: calc(var(--_radius) * 0.75);
    background: var(--_raised);
    overflow: hidden;
  }

  .code figcaption {
    display: flex;
    align-items: center;
    justify-content: space-between;
    padding-inline: 0.9rem 0.3rem;
    font-size: 0.8125em;
    color: var(--_quiet);
    border-block-end: 1px solid var(--_line);
  }

  .code button {
    min-block-size: 2rem;
    padding: 0.15rem 0.6rem;
  }

  .code button:hover:not(:disabled) {
    background: var(--_surface);
  }

  .code button[data-copied] .when-idle,
  .code button:not([data-copied]) .when-copied {
    display: none;
  }

  .code pre {
    padding: 0.75rem 0.9rem;
    overflow-x: auto;
    line-height: 1.5;
    text-align: left;
  }

  .code pre:focus-visible,
  .scroll:focus-visible {
    outline-offset: -2px;
  }

  .code pre code {
    overflow-wrap: normal;
    white-space: pre;
  }

  /* A block each, so that more code lays out only the last of them. */
  .piece {
    display: block;
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

  .scroll {
    overflow-x: auto;
    border: 1px solid var(--_line);
    border-radius: calc(var(--_radius) * 0.75);
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

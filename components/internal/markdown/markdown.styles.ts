// How an answer's markdown looks: even rhythm, quiet furniture, nothing wider than its column. What few answers hold
// (tables, tasks, images, ...) is later.styles.ts.
// Part of the styles of `<llm-chat>`; the colours are base.styles.ts's.

import { css } from 'lit';

export const markdownStyles = css`
  .answer {
    overflow-wrap: anywhere;
  }

  /* What is finished is not laid out or looked through again while more is written below it. */
  .group {
    contain: content;
    overflow-clip-margin: 2rem; /* rings around links, wide numbers of lists */
  }

  .group + .group,
  .block + .block,
  .from-cloud + .block,
  .block + .from-cloud {
    margin-block-start: 0.75em;
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

  .answer a {
    color: var(--_accent);
    text-underline-offset: 0.15em;
  }

  .host {
    color: var(--_quiet);
    font-size: 0.875em;
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

  .scroll {
    overflow-x: auto;
    border: 1px solid var(--_line);
    border-radius: calc(var(--_radius) * 0.75);
  }
`;

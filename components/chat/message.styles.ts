// How messages look: the visitor's bubble, what stands around an answer, tool cards. Part of the styles of `<llm-chat>`.

import { css } from 'lit';

export const messageStyles = css`
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

  .remark {
    margin: 0.5rem 0 0;
    font-size: 0.875em;
    color: var(--_quiet);
  }

  .assistant .notice {
    margin-block-start: 0.75rem;
  }

  .meta {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 0 0.5rem;
    min-block-size: 2rem;
    margin-block-start: 0.35rem;
    font-size: 0.8125em;
    color: var(--_quiet);
    font-variant-numeric: tabular-nums;
  }

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

  .waiting {
    display: grid;
    grid-template-columns: auto minmax(0, 1fr);
    align-items: baseline;
    gap: 0.4rem 0.6rem;
    color: var(--_quiet);
    font-variant-numeric: tabular-nums;
  }

  .waiting .bar {
    grid-column: 2;
    max-inline-size: 22rem;
  }

  .dots {
    display: inline-flex;
    gap: 0.25rem;
  }

  .dots i {
    inline-size: 0.4rem;
    block-size: 0.4rem;
    border-radius: 50%;
    background: var(--_accent);
    animation: breathe 1.2s ease-in-out infinite;
  }

  .dots i:nth-child(2) {
    animation-delay: 0.15s;
  }

  .dots i:nth-child(3) {
    animation-delay: 0.3s;
  }

  @keyframes breathe {
    0%,
    60%,
    100% {
      opacity: 0.3;
    }
    30% {
      opacity: 1;
    }
  }
`;

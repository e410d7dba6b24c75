// How messages look: the visitor's bubble, what stands around an answer. Part of the styles of `<llm-chat>`.

import { css } from 'lit';

export const messageStyles = css`
  .turn {
    display: flex;
    flex-direction: column;
    align-items: flex-end;
    gap: 0.15rem;
  }

  /* As high as the buttons that come into it. */
  .under {
    align-items: center;
    min-block-size: 2rem;
    font-size: 0.8125em;
    color: var(--_quiet);
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

// How messages look: what stands around the visitor's bubble (chat.styles.ts) and around an answer. Fetched with turns.ts.

import { css } from 'lit';

export const messageStyles = css`
  .under {
    font-size: 0.8125em;
    color: var(--_quiet);
  }

  .latest {
    position: absolute;
    inset-block-end: 0.75rem;
    inset-inline-start: calc(50% - 1.25rem);
    inline-size: 2.5rem;
    block-size: 2.5rem;
    padding: 0;
    box-shadow: 0 2px 10px rgb(0 0 0 / 18%);
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

  @media (forced-colors: active) {
    .dots i {
      background: CanvasText;
    }
  }
`;

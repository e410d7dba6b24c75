// What all elements look alike by: the colours, the focus ring, buttons, notices. Each element lists it first.
//
// Colours follow the page's `color-scheme` through light-dark(); a page restyles them with the --llm-* properties,
// documented at each element. The private names (--_) give every use one place where the default stands.
// Contrast of text on its ground is 4.5:1 or more in both schemes (axe checks it in the tests).

import { css } from 'lit';

export const baseStyles = css`
  :host {
    --_accent: var(--llm-accent, light-dark(#3b4fd8, #9dadff));
    --_on-accent: var(--llm-on-accent, light-dark(#ffffff, #12173a));
    --_surface: var(--llm-surface, light-dark(#ffffff, #16181d));
    --_raised: var(--llm-raised, light-dark(#f4f5f8, #20232a));
    --_text: var(--llm-text, light-dark(#1b1e26, #eceef3));
    --_quiet: var(--llm-quiet, light-dark(#5a6070, #a6adbd));
    --_line: var(--llm-line, light-dark(#dfe2ea, #343944));
    --_strong-line: light-dark(#858c9c, #737b8c);
    --_cloud: var(--llm-cloud, light-dark(#8a4b00, #ffc27a));
    --_cloud-ground: light-dark(#fff5e6, #33270f);
    --_danger: var(--llm-danger, light-dark(#b3261e, #ffb4ab));
    --_danger-ground: light-dark(#fdf1f0, #361d1b);
    --_radius: var(--llm-radius, 14px);
    --_mono: var(--llm-font-mono, ui-monospace, 'Cascadia Code', 'SF Mono', Menlo, Consolas, monospace);

    box-sizing: border-box;
    color: var(--_text);
    line-height: 1.55;
    -webkit-text-size-adjust: 100%;
    text-size-adjust: 100%;
  }

  :host([hidden]) {
    display: none !important;
  }

  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }

  .hidden {
    position: absolute;
    inline-size: 1px;
    block-size: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }

  .icon {
    inline-size: 1.25em;
    block-size: 1.25em;
    flex: none;
    fill: none;
    stroke: currentcolor;
    stroke-width: 1.75;
    stroke-linecap: round;
    stroke-linejoin: round;
  }

  .icon .solid {
    fill: currentcolor;
  }

  button {
    font: inherit;
    color: inherit;
    cursor: pointer;
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: 0.45em;
    min-block-size: 2.25rem;
    padding: 0.3rem 0.85rem;
    border: 1px solid var(--_line);
    border-radius: 999px;
    background: var(--_surface);
    transition: border-color 120ms;
  }

  button:hover:not(:disabled) {
    border-color: var(--_strong-line);
    background: var(--_raised);
  }

  button:disabled {
    cursor: default;
    color: var(--_quiet);
  }

  button.primary {
    border-color: transparent;
    background: var(--_accent);
    color: var(--_on-accent);
  }

  button.primary:hover:not(:disabled) {
    background: color-mix(in oklab, var(--_accent) 88%, var(--_text));
  }

  button.plain {
    border-color: transparent;
    background: transparent;
  }

  button.plain:hover:not(:disabled) {
    background: var(--_raised);
  }

  :focus-visible {
    outline: 2px solid var(--_accent);
    outline-offset: 2px;
  }

  .notice {
    display: grid;
    grid-template-columns: auto minmax(0, 1fr);
    gap: 0.15rem 0.65rem;
    padding: 0.75rem 0.9rem;
    border: 1px solid color-mix(in oklab, var(--_danger) 35%, transparent);
    border-radius: calc(var(--_radius) * 0.75);
    background: var(--_danger-ground);
    overflow-wrap: anywhere;
  }

  .notice > .icon {
    grid-row: 1 / span 3;
    margin-block-start: 0.15em;
    color: var(--_danger);
  }

  .notice p {
    grid-column: 2;
    margin: 0;
  }

  .notice .hint {
    color: var(--_quiet);
  }

  .notice button {
    grid-column: 2;
    justify-self: start;
    margin-block-start: 0.45rem;
  }

  .bar {
    inline-size: 100%;
    block-size: 0.4rem;
    display: block;
    appearance: none;
    border: 0;
    border-radius: 999px;
    overflow: hidden;
    background: var(--_line);
  }

  .bar::-webkit-progress-bar {
    background: var(--_line);
  }

  .bar::-webkit-progress-value {
    background: var(--_accent);
    border-radius: 999px;
    transition: inline-size 200ms;
  }

  .bar::-moz-progress-bar {
    background: var(--_accent);
    border-radius: 999px;
  }

  .bar:indeterminate {
    background: linear-gradient(90deg, var(--_line) 30%, var(--_accent) 50%, var(--_line) 70%) 0 0 / 300% 100%;
    animation: sweep 1.6s linear infinite;
  }

  .bar:indeterminate::-webkit-progress-bar {
    background: transparent;
  }

  .bar:indeterminate::-moz-progress-bar {
    background: transparent;
  }

  @keyframes sweep {
    from {
      background-position: 100% 0;
    }
    to {
      background-position: 0 0;
    }
  }

  @media (prefers-reduced-motion: reduce) {
    *,
    *::before,
    *::after {
      animation: none !important;
      transition: none !important;
      scroll-behavior: auto !important;
    }
  }

  /* Who asks for more contrast gets 7:1: text where quieter text stood, stronger colours, and lines that are seen. */
  @media (prefers-contrast: more) {
    :host {
      --_accent: var(--llm-accent, light-dark(#24349c, #ccd4ff));
      --_cloud: var(--llm-cloud, light-dark(#5c3200, #ffdcb0));
      --_danger: var(--llm-danger, light-dark(#7d1712, #ffd3cd));
      --_quiet: var(--llm-quiet, var(--_text));
      --_line: var(--llm-line, light-dark(#6b7280, #a3a9b5));
      --_strong-line: var(--_text);
    }

    :focus-visible {
      outline-width: 3px;
    }
  }

  @media (forced-colors: active) {
    .icon {
      stroke: currentcolor;
    }

    button.primary {
      border-color: ButtonText;
    }

    .bar {
      border: 1px solid CanvasText;
    }

    .bar::-webkit-progress-value {
      background: Highlight;
      forced-color-adjust: none;
    }

    .bar::-moz-progress-bar {
      background: Highlight;
      forced-color-adjust: none;
    }
  }
`;

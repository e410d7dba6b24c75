// How files look that wait in the composer; fetched with attachments.ts.

import { css } from 'lit';

export const attachStyles = css`
  .pending {
    flex-basis: 100%;
    display: flex;
    flex-wrap: wrap;
    gap: 0.35rem;
    margin: 0;
    padding: 0.35rem 0.35rem 0 0;
    list-style: none;
    font-size: 0.8125em;
  }

  .pending li {
    display: inline-flex;
    align-items: center;
    gap: 0.35em;
    max-inline-size: 100%;
    padding-inline-start: 0.6rem;
    border: 1px solid var(--_line);
    border-radius: 999px;
    background: var(--_raised);
  }

  .pending bdi {
    min-inline-size: 0;
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }

  .pending span {
    flex: none;
    color: var(--_quiet);
  }

  .problems {
    flex-basis: 100%;
    margin: 0;
    padding: 0.35rem 0.35rem 0 0;
    list-style: none;
    font-size: 0.875em;
    color: var(--_danger);
    overflow-wrap: anywhere;
  }

  .drop {
    position: absolute;
    inset: 0;
    z-index: 3;
    display: grid;
    place-items: center;
    border: 2px dashed var(--_accent);
    border-radius: inherit;
    font-weight: 600;
    background: color-mix(in oklab, var(--_surface) 88%, transparent);
    pointer-events: none;
  }
`;

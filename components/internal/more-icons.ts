// The icons that come with later parts of the chat, drawn as those of icons.ts.

import { html, svg, type TemplateResult } from 'lit';
import { icon } from './icons.js';

/** Turned round where the text runs from right to left. */
const pointing = (paths: TemplateResult): TemplateResult =>
  html`<svg class="icon directional" viewBox="0 0 24 24" aria-hidden="true" focusable="false">${paths}</svg>`;

export const retryIcon = () => icon(svg`<path d="M19.5 12a7.5 7.5 0 1 1-2.3-5.4L19.5 9M19.5 4v5h-5" />`);
export const editIcon = () => icon(svg`<path d="m14.8 5.2 4 4L9 19l-5 1 1-5zM12.5 7.5l4 4" />`);
export const proceedIcon = () => pointing(svg`<path d="M5 6.5v11l7-5.5zM13 6.5v11l7-5.5z" />`);
export const fileIcon = () =>
  icon(
    svg`<path d="M13.5 3.5h-6a2 2 0 0 0-2 2v13a2 2 0 0 0 2 2h9a2 2 0 0 0 2-2v-10zm0 0v5h5M8.5 13h7M8.5 16.5h4.5" />`,
  );
export const closeIcon = () => icon(svg`<path d="m6.5 6.5 11 11m0-11-11 11" />`);
export const voiceIcon = () =>
  icon(svg`<path d="M11 5 6.5 9H3.5v6h3L11 19zM15 9a4.2 4.2 0 0 1 0 6M17.8 6.2a8.2 8.2 0 0 1 0 11.6" />`);
export const trashIcon = () =>
  icon(
    svg`<path d="M4.5 7h15M9.5 7V5a1 1 0 0 1 1-1h3a1 1 0 0 1 1 1v2M6.5 7l.8 11.2a2 2 0 0 0 2 1.8h5.4a2 2 0 0 0 2-1.8L17.5 7" />`,
  );
export const beforeIcon = () => pointing(svg`<path d="m14.5 6-6 6 6 6" />`);
export const afterIcon = () => pointing(svg`<path d="m9.5 6 6 6-6 6" />`);
export const toolIcon = () =>
  icon(
    svg`<path d="M14.5 6.3a4.2 4.2 0 0 1 5.2-1.2l-2.8 2.8.4 2.2 2.2.4 2.3-2.3a4.2 4.2 0 0 1-5.6 5L9 20.4a2.1 2.1 0 0 1-3-3l7.2-7.2a4.2 4.2 0 0 1 1.3-3.9z" />`,
  );

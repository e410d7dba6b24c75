// The icons of the kit, drawn here: 24 units wide, two units of stroke, the colour of the text around them.
// Templates, not files: nothing is fetched and nothing is parsed from a string. All are decoration (aria-hidden); the
// button around one carries the words.

import { svg, html, type TemplateResult } from 'lit';

const icon = (paths: TemplateResult): TemplateResult =>
  html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">${paths}</svg>`;

const pointing = (paths: TemplateResult): TemplateResult =>
  html`<svg class="icon directional" viewBox="0 0 24 24" aria-hidden="true" focusable="false">${paths}</svg>`;

export const sendIcon = () => icon(svg`<path d="M12 19V5m0 0-6.5 6.5M12 5l6.5 6.5" />`);
export const stopIcon = () => icon(svg`<rect class="solid" x="7" y="7" width="10" height="10" rx="2" />`);
export const newChatIcon = () =>
  icon(
    svg`<path d="M12 4.5H7A2.5 2.5 0 0 0 4.5 7v10A2.5 2.5 0 0 0 7 19.5h10a2.5 2.5 0 0 0 2.5-2.5v-5" /><path d="m18.2 3.8 2 2L13 13l-3 1 1-3z" />`,
  );
export const retryIcon = () => icon(svg`<path d="M19.5 12a7.5 7.5 0 1 1-2.3-5.4L19.5 9M19.5 4v5h-5" />`);
export const deviceIcon = () =>
  icon(svg`<rect x="4.5" y="5" width="15" height="10.5" rx="2" /><path d="M2.5 19h19" />`);
export const cloudIcon = () =>
  icon(svg`<path d="M7 18.5h10a4 4 0 0 0 .6-7.95A5.75 5.75 0 0 0 6.6 9.2 4.7 4.7 0 0 0 7 18.5z" />`);
export const copyIcon = () =>
  icon(
    svg`<rect x="8.5" y="8.5" width="11" height="11" rx="2.5" /><path d="M5.5 15.5A2 2 0 0 1 4.5 13.8V6.5a2 2 0 0 1 2-2h7.3a2 2 0 0 1 1.7 1" />`,
  );
export const editIcon = () => icon(svg`<path d="m14.8 5.2 4 4L9 19l-5 1 1-5zM12.5 7.5l4 4" />`);
export const proceedIcon = () => pointing(svg`<path d="M5 6.5v11l7-5.5zM13 6.5v11l7-5.5z" />`);
export const fileIcon = () =>
  icon(
    svg`<path d="M13.5 3.5h-6a2 2 0 0 0-2 2v13a2 2 0 0 0 2 2h9a2 2 0 0 0 2-2v-10zm0 0v5h5M8.5 13h7M8.5 16.5h4.5" />`,
  );
export const closeIcon = () => icon(svg`<path d="m6.5 6.5 11 11m0-11-11 11" />`);
export const moreIcon = () => icon(svg`<path d="M5.5 12h.1M12 12h.1M18.4 12h.1" stroke-width="2.75" />`);
export const historyIcon = () => icon(svg`<path d="M4.5 12a7.5 7.5 0 1 0 2.3-5.4L4.5 9M4.5 4v5h5M12 8v4.5l3 1.8" />`);
export const clipIcon = () =>
  icon(
    svg`<path d="m19 11.5-7 7a4.6 4.6 0 0 1-6.5-6.5l7.6-7.6a3.1 3.1 0 0 1 4.4 4.4l-7.6 7.6a1.5 1.5 0 0 1-2.2-2.2l7-7" />`,
  );
export const microphoneIcon = () =>
  icon(svg`<rect x="9" y="3.5" width="6" height="11" rx="3" /><path d="M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v2.5" />`);
export const voiceIcon = () =>
  icon(svg`<path d="M11 5 6.5 9H3.5v6h3L11 19zM15 9a4.2 4.2 0 0 1 0 6M17.8 6.2a8.2 8.2 0 0 1 0 11.6" />`);
export const trashIcon = () =>
  icon(
    svg`<path d="M4.5 7h15M9.5 7V5a1 1 0 0 1 1-1h3a1 1 0 0 1 1 1v2M6.5 7l.8 11.2a2 2 0 0 0 2 1.8h5.4a2 2 0 0 0 2-1.8L17.5 7" />`,
  );
export const beforeIcon = () => pointing(svg`<path d="m14.5 6-6 6 6 6" />`);
export const afterIcon = () => pointing(svg`<path d="m9.5 6 6 6-6 6" />`);
export const downIcon = () => icon(svg`<path d="M12 5v14m0 0 6-6m-6 6-6-6" />`);
export const warningIcon = () => icon(svg`<path d="M12 4 2.8 19.5h18.4zM12 10v4.5M12 17.2v.1" />`);
export const toolIcon = () =>
  icon(
    svg`<path d="M14.5 6.3a4.2 4.2 0 0 1 5.2-1.2l-2.8 2.8.4 2.2 2.2.4 2.3-2.3a4.2 4.2 0 0 1-5.6 5L9 20.4a2.1 2.1 0 0 1-3-3l7.2-7.2a4.2 4.2 0 0 1 1.3-3.9z" />`,
  );
export const imageIcon = () =>
  icon(svg`<rect x="4" y="5" width="16" height="14" rx="2.5" /><path d="m5 17 4.5-4.5 3 3L16 12l3.5 3.5M9 9.2v.1" />`);
export const checkIcon = () => icon(svg`<path d="m5 12.5 4.5 4.5L19 7.5" />`);
export const sparkIcon = () =>
  icon(svg`<path d="M12 3.5c.6 4.9 3.1 7.6 8 8.5-4.9.9-7.4 3.6-8 8.5-.6-4.9-3.1-7.6-8-8.5 4.9-.9 7.4-3.6 8-8.5z" />`);

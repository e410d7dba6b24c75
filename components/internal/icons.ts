// The icons of the kit, drawn here: 24 units wide, two units of stroke, the colour of the text around them. Those that come
// with later parts of the chat are more-icons.ts.
// Templates, not files: nothing is fetched and nothing is parsed from a string. All are decoration (aria-hidden); the
// button around one carries the words.

import { svg, html, type TemplateResult } from 'lit';

export const icon = (paths: TemplateResult): TemplateResult =>
  html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">${paths}</svg>`;

export const sendIcon = () => icon(svg`<path d="M12 19V5m0 0-6.5 6.5M12 5l6.5 6.5" />`);
export const stopIcon = () => icon(svg`<rect class="solid" x="7" y="7" width="10" height="10" rx="2" />`);
export const newChatIcon = () =>
  icon(
    svg`<path d="M12 4.5H7A2.5 2.5 0 0 0 4.5 7v10A2.5 2.5 0 0 0 7 19.5h10a2.5 2.5 0 0 0 2.5-2.5v-5" /><path d="m18.2 3.8 2 2L13 13l-3 1 1-3z" />`,
  );
export const deviceIcon = () =>
  icon(svg`<rect x="4.5" y="5" width="15" height="10.5" rx="2" /><path d="M2.5 19h19" />`);
export const cloudIcon = () =>
  icon(svg`<path d="M7 18.5h10a4 4 0 0 0 .6-7.95A5.75 5.75 0 0 0 6.6 9.2 4.7 4.7 0 0 0 7 18.5z" />`);
export const copyIcon = () =>
  icon(
    svg`<rect x="8.5" y="8.5" width="11" height="11" rx="2.5" /><path d="M5.5 15.5A2 2 0 0 1 4.5 13.8V6.5a2 2 0 0 1 2-2h7.3a2 2 0 0 1 1.7 1" />`,
  );
export const moreIcon = () => icon(svg`<path d="M5.5 12h.1M12 12h.1M18.4 12h.1" stroke-width="2.75" />`);
export const historyIcon = () => icon(svg`<path d="M4.5 12a7.5 7.5 0 1 0 2.3-5.4L4.5 9M4.5 4v5h5M12 8v4.5l3 1.8" />`);
export const clipIcon = () =>
  icon(
    svg`<path d="m19 11.5-7 7a4.6 4.6 0 0 1-6.5-6.5l7.6-7.6a3.1 3.1 0 0 1 4.4 4.4l-7.6 7.6a1.5 1.5 0 0 1-2.2-2.2l7-7" />`,
  );
export const microphoneIcon = () =>
  icon(svg`<rect x="9" y="3.5" width="6" height="11" rx="3" /><path d="M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v2.5" />`);
export const downIcon = () => icon(svg`<path d="M12 5v14m0 0 6-6m-6 6-6-6" />`);
export const warningIcon = () => icon(svg`<path d="M12 4 2.8 19.5h18.4zM12 10v4.5M12 17.2v.1" />`);
export const imageIcon = () =>
  icon(svg`<rect x="4" y="5" width="16" height="14" rx="2.5" /><path d="m5 17 4.5-4.5 3 3L16 12l3.5 3.5M9 9.2v.1" />`);
export const checkIcon = () => icon(svg`<path d="m5 12.5 4.5 4.5L19 7.5" />`);

// The lock of `<llm-privacy>`, drawn as the other icons (internal/icons.ts), which travel with the chat's first download.

import { html, type TemplateResult } from 'lit';

export const lockIcon = (): TemplateResult =>
  html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
    <rect x="5" y="10.5" width="14" height="9.5" rx="2.5" />
    <path d="M8 10.5V8a4 4 0 0 1 8 0v2.5M12 14.5v2" />
  </svg>`;

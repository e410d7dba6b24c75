// Adds styles to an element that is on the page already: those of a part that was fetched later. Constructed style sheets,
// so that a strict policy (`style-src 'self'`) holds. Called by lazily loaded parts.

import type { CSSResult, ReactiveElement } from 'lit';

/** Adds them once, however often it is called. */
export function adopt(element: ReactiveElement, ...styles: readonly CSSResult[]): void {
  const root = element.shadowRoot;
  if (root === null) return;
  const sheets = styles.flatMap(({ styleSheet }) => styleSheet ?? []);
  const missing = sheets.filter((sheet) => !root.adoptedStyleSheets.includes(sheet));
  if (missing.length > 0) root.adoptedStyleSheets = [...root.adoptedStyleSheets, ...missing];
}

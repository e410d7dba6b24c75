// What the elements' tests share: putting a template on the page, waiting, and axe. Browser tests only.

import { render, type TemplateResult } from 'lit';
import 'axe-core/axe.min.js';
import type { AxeResults, RunOptions } from 'axe-core';

declare global {
  interface Window {
    // axe-core is a classic script; loaded as a module it leaves itself here.
    readonly axe: { run(context: Element, options: RunOptions): Promise<AxeResults> };
  }
}

let mounted: HTMLElement | null = null;

/** Renders `template` into an otherwise empty page and returns the container. */
export function mount(template: TemplateResult): HTMLElement {
  unmount();
  mounted = document.createElement('main');
  document.body.append(mounted);
  render(template, mounted);
  return mounted;
}

export function unmount(): void {
  mounted?.remove();
  mounted = null;
}

export { until } from './until.js';

/** The light or the dark scheme for the whole page. */
export function useScheme(scheme: 'light' | 'dark'): void {
  document.documentElement.style.colorScheme = scheme;
  document.body.style.backgroundColor = scheme === 'light' ? '#ffffff' : '#0e0f12';
}

/** Throws with every violation axe finds in `element`, shadow trees included. */
export async function expectAccessible(element: Element): Promise<void> {
  const { violations } = await window.axe.run(element, {
    // A fragment of a page: what only a whole page can have (a main landmark, a title) is not asked of it.
    runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] },
    rules: { region: { enabled: false }, 'page-has-heading-one': { enabled: false } },
  });
  const found = violations.map(
    ({ id, help, nodes }) =>
      `${id}: ${help}\n  ${nodes.map((node) => `${node.target.join(' ')} ${node.any[0]?.message ?? node.all[0]?.message ?? ''}`).join('\n  ')}`,
  );
  if (found.length > 0) throw new Error(`axe found ${String(found.length)} violations:\n${found.join('\n')}`);
}

// Reads an `<llm-metrics>` as a person would. For tests of this kit and of pages that embed it.

import type { LlmMetrics } from './metrics.js';

export class MetricsHarness {
  readonly element: LlmMetrics;

  constructor(element: LlmMetrics) {
    this.element = element;
  }

  /** The figures by name, as read. */
  get figures(): ReadonlyMap<string, string> {
    const figures = [...(this.element.shadowRoot?.querySelectorAll<HTMLElement>('[part=figure]') ?? [])];
    return new Map(
      figures.map((figure) => [
        figure.querySelector('dt')?.innerText.trim() ?? '',
        figure.querySelector('dd')?.innerText.trim() ?? '',
      ]),
    );
  }

  get announcement(): string {
    return this.element.shadowRoot?.querySelector('[role=status]')?.textContent.trim() ?? '';
  }
}

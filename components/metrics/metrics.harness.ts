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

  /** What is usual of a main figure; empty before there is anything usual. */
  usual(name: string): string {
    const figures = [...(this.element.shadowRoot?.querySelectorAll<HTMLElement>('.main [part=figure]') ?? [])];
    const figure = figures.find((each) => each.querySelector('dt')?.innerText.trim() === name);
    return figure?.querySelector<HTMLElement>('.usual')?.innerText.trim() ?? '';
  }

  /** The lines of the last values, in words. */
  get trends(): readonly string[] {
    return [...(this.element.shadowRoot?.querySelectorAll('[part=sparkline]') ?? [])].map(
      (line) => line.getAttribute('aria-label') ?? '',
    );
  }

  /** Opens one of the parts that are closed at first. */
  async open(part: 'history' | 'kernels'): Promise<HTMLDetailsElement> {
    const details = this.element.shadowRoot?.querySelector<HTMLDetailsElement>(`[part=${part}]`);
    if (details === null || details === undefined) throw new Error(`<llm-metrics> shows no ${part}`);
    details.open = true;
    // A <details> tells that it was opened in a task of its own.
    await new Promise((resolve) => setTimeout(resolve, 20));
    await this.element.updateComplete;
    return details;
  }

  /** A button by its words. */
  button(name: string): HTMLButtonElement | null {
    return (
      [...(this.element.shadowRoot?.querySelectorAll('button') ?? [])].find(
        ({ innerText }) => innerText.trim() === name,
      ) ?? null
    );
  }

  /** The rows of the kernels' table, cell by cell. */
  get kernels(): readonly (readonly string[])[] {
    return [...(this.element.shadowRoot?.querySelectorAll('tbody tr') ?? [])].map((row) =>
      [...row.children].map((cell) => cell.textContent.trim()),
    );
  }

  get announcement(): string {
    return this.element.shadowRoot?.querySelector('[role=status]')?.textContent.trim() ?? '';
  }
}

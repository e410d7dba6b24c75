// Drives an `<llm-status>` as a person would. For tests of this kit and of pages that embed it.

import type { LlmStatus } from './status.js';

export class StatusHarness {
  readonly element: LlmStatus;

  constructor(element: LlmStatus) {
    this.element = element;
  }

  get button(): HTMLButtonElement {
    const button = this.#root.querySelector<HTMLButtonElement>('[part=base]');
    if (button === null) throw new Error('<llm-status> has not rendered');
    return button;
  }

  /** The words on the chip. */
  get text(): string {
    return this.#root.querySelector('[part=text]')?.textContent.trim() ?? '';
  }

  /** What was said last to screen readers. */
  get announcement(): string {
    return this.#root.querySelector('[role=status]')?.textContent.trim() ?? '';
  }

  /** The details, where they are shown: name and value of each. */
  get details(): ReadonlyMap<string, string> | null {
    const panel = this.#root.querySelector('[part=details]:popover-open');
    if (panel === null) return null;
    return new Map(
      [...panel.querySelectorAll('dl > div')].map((row) => [
        row.querySelector('dt')?.textContent.trim() ?? '',
        row.querySelector('dd')?.textContent.trim() ?? '',
      ]),
    );
  }

  /** All words of the details. */
  get detailText(): string {
    return this.#root.querySelector<HTMLElement>('[part=details]:popover-open')?.innerText.trim() ?? '';
  }

  /** Presses the chip. */
  async press(): Promise<void> {
    this.button.click();
    await this.element.updateComplete;
  }

  get #root(): ShadowRoot {
    if (this.element.shadowRoot === null) throw new Error('<llm-status> has not rendered');
    return this.element.shadowRoot;
  }
}

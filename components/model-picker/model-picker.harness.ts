// Drives an `<llm-model-picker>` as a person would. For tests of this kit and of pages that embed it.

import type { LlmModelPicker } from './model-picker.js';

export class ModelPickerHarness {
  readonly element: LlmModelPicker;

  constructor(element: LlmModelPicker) {
    this.element = element;
  }

  /** The cards as read: name, whether chosen, whether in use, their words. */
  get models(): readonly {
    readonly name: string;
    readonly chosen: boolean;
    readonly current: boolean;
    readonly text: string;
  }[] {
    return this.#cards.map((card) => ({
      name: card.querySelector<HTMLElement>('.name')?.innerText.trim() ?? '',
      chosen: card.querySelector('input')?.checked === true,
      current: card.hasAttribute('data-current'),
      text: card.innerText,
    }));
  }

  get button(): HTMLButtonElement | null {
    return this.#root.querySelector<HTMLButtonElement>('[part=button]');
  }

  get progress(): HTMLProgressElement | null {
    return this.#root.querySelector<HTMLProgressElement>('[part=progress]');
  }

  get error(): string {
    return this.#root.querySelector<HTMLElement>('[part=error]')?.innerText.trim() ?? '';
  }

  get announcement(): string {
    return this.#root.querySelector('[role=status]')?.textContent.trim() ?? '';
  }

  radio(name: string): HTMLInputElement {
    const found = this.#cards
      .find((card) => card.querySelector<HTMLElement>('.name')?.innerText.trim() === name)
      ?.querySelector('input');
    if (!found) throw new Error(`<llm-model-picker> lists no "${name}"`);
    return found;
  }

  async choose(name: string): Promise<void> {
    this.radio(name).click();
    await this.element.updateComplete;
  }

  get #cards(): readonly HTMLElement[] {
    return [...this.#root.querySelectorAll<HTMLElement>('[part=model]')];
  }

  get #root(): ShadowRoot {
    const root = this.element.shadowRoot;
    if (root === null) throw new Error('<llm-model-picker> is not upgraded');
    return root;
  }
}

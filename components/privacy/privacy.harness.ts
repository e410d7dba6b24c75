// Drives an `<llm-privacy>` as a person would. For tests of this kit and of pages that embed it.

import type { LlmPrivacy } from './privacy.js';

export class PrivacyHarness {
  readonly element: LlmPrivacy;

  constructor(element: LlmPrivacy) {
    this.element = element;
  }

  /** The words of the indicator. */
  get indicator(): string {
    return this.#root.querySelector<HTMLElement>('[part=indicator]')?.innerText.trim() ?? '';
  }

  /** The switch for the cloud; null where the site set no endpoint. */
  get switch(): HTMLInputElement | null {
    return this.#root.querySelector<HTMLInputElement>('[role=switch]');
  }

  /** The question that is being asked; null while none is. */
  get dialog(): HTMLDialogElement | null {
    return this.#root.querySelector<HTMLDialogElement>('dialog[open]');
  }

  /** What is kept, by name. */
  get kept(): ReadonlyMap<string, string> {
    return new Map(
      [...this.#root.querySelectorAll('[part=kept] > div')].map((row) => [
        row.querySelector('dt')?.textContent.trim() ?? '',
        row.querySelector('dd')?.textContent.trim() ?? '',
      ]),
    );
  }

  get eraseButton(): HTMLButtonElement {
    return this.#button('erase-button');
  }

  /** What erasing came to. */
  get outcome(): string {
    return this.#root.querySelector<HTMLElement>('[part=outcome]')?.innerText.trim() ?? '';
  }

  get error(): string {
    return this.#root.querySelector<HTMLElement>('[part=error]')?.innerText.trim() ?? '';
  }

  get announcement(): string {
    return this.#root.querySelector('div[role=status]')?.textContent.trim() ?? '';
  }

  /** Presses the switch. */
  async flip(): Promise<void> {
    if (this.switch === null) throw new Error('<llm-privacy> shows no switch');
    this.switch.click();
    await this.element.updateComplete;
    await new Promise((resolve) => setTimeout(resolve, 0));
  }

  /** Answers the question about the cloud. */
  async answer(allow: boolean): Promise<void> {
    await this.#press(this.#button(allow ? 'allow-button' : 'refuse-button'));
  }

  /** Presses "Erase everything" and answers the question. */
  async erase(confirm: boolean): Promise<void> {
    this.eraseButton.click();
    await this.element.updateComplete;
    await this.#press(this.#button(confirm ? 'confirm-button' : 'keep-button'));
  }

  async #press(button: HTMLButtonElement): Promise<void> {
    button.click();
    // A dialog tells that it is closed in a task of its own.
    await new Promise((resolve) => setTimeout(resolve, 0));
    await this.element.updateComplete;
  }

  #button(part: string): HTMLButtonElement {
    const button = this.#root.querySelector<HTMLButtonElement>(`[part=${part}]`);
    if (button === null) throw new Error(`<llm-privacy> shows no ${part}`);
    return button;
  }

  get #root(): ShadowRoot {
    if (this.element.shadowRoot === null) throw new Error('<llm-privacy> has not rendered');
    return this.element.shadowRoot;
  }
}

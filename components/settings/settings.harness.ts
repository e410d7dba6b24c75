// Drives an `<llm-settings>` as a person would. For tests of this kit and of pages that embed it.

import type { LlmSettings } from './settings.js';

export class SettingsHarness {
  readonly element: LlmSettings;

  constructor(element: LlmSettings) {
    this.element = element;
  }

  /** What the fields show. */
  get values(): {
    readonly model: string;
    readonly device: string;
    readonly temperature: string;
    readonly maxTokens: string;
    readonly keepConversations: boolean;
  } {
    return {
      model: this.#select('model').value,
      device: this.#select('device').value,
      temperature: this.#root.querySelector('output')?.textContent.trim() ?? '',
      maxTokens: this.#input('#max-tokens').value,
      keepConversations: this.keep.checked,
    };
  }

  /** Words of the options of a field. */
  options(field: 'model' | 'device'): readonly string[] {
    return [...this.#select(field).options].map((option) => option.text.trim());
  }

  get keep(): HTMLInputElement {
    return this.#input('[role=switch]');
  }

  get slider(): HTMLInputElement {
    return this.#input('#temperature');
  }

  get limit(): HTMLInputElement {
    return this.#input('#max-tokens');
  }

  /** That a choice holds from the next load; empty where it holds already. */
  get notice(): string {
    return this.#root.querySelector<HTMLElement>('[part=notice]')?.innerText.trim() ?? '';
  }

  get error(): string {
    return this.#root.querySelector<HTMLElement>('[part=error]')?.innerText.trim() ?? '';
  }

  get announcement(): string {
    return this.#root.querySelector('[role=status]')?.textContent.trim() ?? '';
  }

  /** A button by its words. */
  button(name: string): HTMLButtonElement | null {
    return [...this.#root.querySelectorAll('button')].find(({ innerText }) => innerText.trim() === name) ?? null;
  }

  async choose(field: 'model' | 'device', value: string): Promise<void> {
    const select = this.#select(field);
    select.value = value;
    select.dispatchEvent(new Event('change'));
    await this.element.updateComplete;
  }

  async slide(value: number, { let: go = true } = {}): Promise<void> {
    this.slider.value = String(value);
    this.slider.dispatchEvent(new Event('input'));
    if (go) this.slider.dispatchEvent(new Event('change'));
    await this.element.updateComplete;
  }

  async limitTo(text: string): Promise<void> {
    this.limit.value = text;
    this.limit.dispatchEvent(new Event('change'));
    await this.element.updateComplete;
  }

  async flip(): Promise<void> {
    this.keep.click();
    await this.element.updateComplete;
  }

  #select(id: string): HTMLSelectElement {
    const select = this.#root.querySelector<HTMLSelectElement>(`select#${id}`);
    if (select === null) throw new Error(`<llm-settings> shows no ${id}`);
    return select;
  }

  #input(selector: string): HTMLInputElement {
    const input = this.#root.querySelector<HTMLInputElement>(selector);
    if (input === null) throw new Error(`<llm-settings> shows no ${selector}`);
    return input;
  }

  get #root(): ShadowRoot {
    if (this.element.shadowRoot === null) throw new Error('<llm-settings> has not rendered');
    return this.element.shadowRoot;
  }
}

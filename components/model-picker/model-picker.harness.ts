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

  /** What is said of each model's speed here, top to bottom; empty where nothing is known. */
  get verdicts(): readonly string[] {
    return this.#cards.map((card) => card.querySelector<HTMLElement>('[part=verdict]')?.innerText.trim() ?? '');
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

  /** What is said of the storage. */
  get storage(): string {
    return this.#root.querySelector<HTMLElement>('[part=storage]')?.innerText.trim() ?? '';
  }

  /** The words beside the progress bar. */
  get progressText(): string {
    return this.#root.querySelector<HTMLElement>('.progress .facts')?.innerText.trim() ?? '';
  }

  get search(): HTMLInputElement | null {
    return this.#root.querySelector<HTMLInputElement>('[part=search]');
  }

  /** The question before a deletion; null while none is asked. */
  get dialog(): HTMLDialogElement | null {
    return this.#root.querySelector<HTMLDialogElement>('dialog[open]');
  }

  get address(): HTMLInputElement | null {
    return this.#root.querySelector<HTMLInputElement>('[part=address]');
  }

  /** A button by its name, wherever it stands. */
  named(name: string): HTMLButtonElement | null {
    return (
      [...this.#root.querySelectorAll('button')].find(
        (button) => (button.getAttribute('aria-label') ?? button.innerText).trim() === name,
      ) ?? null
    );
  }

  /** Types into the search field. */
  async find(query: string): Promise<void> {
    if (this.search === null) throw new Error('<llm-model-picker> shows no search field');
    this.search.value = query;
    this.search.dispatchEvent(new InputEvent('input', { bubbles: true, composed: true }));
    await this.element.updateComplete;
  }

  /** Pastes an address and presses Enter. */
  async paste(address: string): Promise<void> {
    this.open();
    if (this.address === null) throw new Error('<llm-model-picker> takes no address');
    this.address.value = address;
    this.address.form?.requestSubmit();
    await this.element.updateComplete;
  }

  /** Opens the part for models of the visitor's own. */
  open(): void {
    const own = this.#root.querySelector<HTMLDetailsElement>('[part=own-model]');
    if (own) own.open = true;
  }

  /** Chooses a file with the file button's dialog. */
  async chooseFile(file: File): Promise<void> {
    const input = this.#root.querySelector<HTMLInputElement>('input[type=file]');
    if (input === null) throw new Error('<llm-model-picker> takes no file');
    input.files = transferOf([file]).files;
    input.dispatchEvent(new Event('change'));
    await this.element.updateComplete;
  }

  /** Drags files over the element; false where it does not take them. */
  dragOver(files: readonly File[]): boolean {
    return !this.#drag('dragover', files);
  }

  async drop(files: readonly File[]): Promise<void> {
    this.#drag('drop', files);
    await this.element.updateComplete;
  }

  #drag(type: string, files: readonly File[]): boolean {
    const init = { bubbles: true, composed: true, cancelable: true, dataTransfer: transferOf(files) };
    const base = this.#root.querySelector('[part=base]');
    return base?.dispatchEvent(new DragEvent(type, init)) ?? true;
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

function transferOf(files: readonly File[]): DataTransfer {
  const transfer = new DataTransfer();
  for (const file of files) transfer.items.add(file);
  return transfer;
}

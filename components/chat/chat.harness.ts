// Drives an `<llm-chat>` as a person would: types, presses keys, clicks, reads what is shown. For tests of this kit and
// of pages that embed it; it depends on what is visible and on parts, not on the element's inside.

import type { LlmChat } from './chat.js';

export class ChatHarness {
  readonly element: LlmChat;

  constructor(element: LlmChat) {
    this.element = element;
  }

  get field(): HTMLTextAreaElement {
    return this.#need<HTMLTextAreaElement>('[part=input]');
  }

  get sendButton(): HTMLButtonElement {
    return this.#need<HTMLButtonElement>('[part=send-button]');
  }

  /** The visible words of the messages, oldest first, without what stands around them. */
  get messages(): readonly { readonly role: 'user' | 'assistant'; readonly text: string }[] {
    return [...this.#root.querySelectorAll<HTMLElement>('[part~=message]')].map((message) => {
      const body = message.querySelector<HTMLElement>('.bubble, .answer');
      const role = message.part.contains('user-message') ? 'user' : 'assistant';
      return { role, text: body?.innerText.trim() ?? '' };
    });
  }

  /** Newest answer's element. */
  get lastAnswer(): HTMLElement | null {
    return [...this.#root.querySelectorAll<HTMLElement>('[part~=assistant-message]')].at(-1) ?? null;
  }

  /** Words of the error notices on screen. */
  get errors(): readonly string[] {
    return [...this.#root.querySelectorAll<HTMLElement>('[part~=error]')].map((notice) => notice.innerText.trim());
  }

  /** What a screen reader was told last. */
  get announcement(): string {
    return this.#need('[role=status]').textContent.trim();
  }

  get header(): string {
    return this.#need<HTMLElement>('[part=header]').innerText.trim();
  }

  button(name: string): HTMLButtonElement | null {
    return (
      [...this.#root.querySelectorAll('button')].find(
        (button) => (button.getAttribute('aria-label') ?? button.textContent).trim() === name,
      ) ?? null
    );
  }

  /** A button under a message, by what it does: copy, edit, delete, again, proceed, earlier, later, read. */
  action(message: number, name: string): HTMLButtonElement | null {
    const holder = [...this.#root.querySelectorAll('[data-entry]')][message];
    return holder?.querySelector(`[data-action=${name}]`) ?? null;
  }

  /** "2 / 3" of a message; empty where there is one version only. */
  version(message: number): string {
    const holder = [...this.#root.querySelectorAll('[data-entry]')][message];
    return holder?.querySelector<HTMLElement>('[part=versions]')?.innerText.trim() ?? '';
  }

  /** The field of the message that is being changed. */
  get editor(): HTMLTextAreaElement | null {
    return this.#root.querySelector('[part=editor] textarea');
  }

  get dialog(): HTMLDialogElement | null {
    return this.#root.querySelector<HTMLDialogElement>('dialog[open]');
  }

  /** Presses what is behind the button with the dots, which is fetched when that is opened. */
  async menu(name: string): Promise<void> {
    this.#need<HTMLElement>('[part=menu] summary').click();
    while (this.find('[part=menu] ul') === null) await new Promise((resolve) => setTimeout(resolve, 10));
    this.button(name)?.click();
  }

  /** What has the focus inside the element. */
  get focused(): Element | null {
    return this.#root.activeElement;
  }

  find<E extends Element = HTMLElement>(selector: string): E | null {
    return this.#root.querySelector<E>(selector);
  }

  type(text: string): void {
    this.field.focus();
    this.field.value = text;
    this.field.dispatchEvent(new InputEvent('input', { bubbles: true, composed: true }));
  }

  /** Presses Enter in the field; false where the element took the key. */
  pressEnter(init: KeyboardEventInit = {}): boolean {
    const event = new KeyboardEvent('keydown', {
      key: 'Enter',
      bubbles: true,
      composed: true,
      cancelable: true,
      ...init,
    });
    return this.field.dispatchEvent(event);
  }

  async say(text: string): Promise<void> {
    this.type(text);
    this.pressEnter();
    await this.element.updateComplete;
  }

  get #root(): ShadowRoot {
    const root = this.element.shadowRoot;
    if (root === null) throw new Error('<llm-chat> is not upgraded');
    return root;
  }

  #need<E extends Element = Element>(selector: string): E {
    const found = this.#root.querySelector<E>(selector);
    if (found === null) throw new Error(`<llm-chat> shows no ${selector}`);
    return found;
  }
}
